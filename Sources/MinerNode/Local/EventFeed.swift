import HTTPServing
import Synchronization
package import Wire

/// The latest events, for those who ask and those who listen: the live page, the local page, `GET /events`.
///
/// Bounded in all: what is kept, who listens, and what waits for one listener. A listener that falls behind is sent away, and goes on where it was
/// with the id of the last event that it has seen, for as long as that is kept.
package final class EventFeed: Sendable {
    /// An event with its number since the start, from 1, and when it happened, in Unix milliseconds.
    package struct Item: Sendable {
        package let number: Int64
        package let time: Int64
        package let event: MinerEvent

        package var json: JSON {
            let facts = JSON.object(JSONObject(distinct: event.facts.map { ($0.key, $0.value) }))
            return ["id": .integer(number), "time_ms": .integer(time), "event": .string(event.name.rawValue), "facts": facts]
        }
    }

    private struct State {
        var last: Int64 = 0
        var kept: [Item] = []
        var listeners: [UInt64: AsyncStream<Item>.Continuation] = [:]
        var nextListener: UInt64 = 0
        var isClosed = false
    }

    /// The least that is kept; twice as much at times. A thousand jobs' events in a row.
    package static let memory = 4_096
    /// Streams at one time: an operator's few windows.
    package static let maxListeners = 16
    /// Events that wait for one listener.
    private static let patience = 512
    private let state = Mutex(State())
    private let clock = MinerClock()

    init() {}

    func add(_ event: MinerEvent) {
        let time = clock.milliseconds
        let slow = state.withLock { state in
            state.last += 1
            let item = Item(number: state.last, time: time, event: event)
            state.kept.append(item)
            if state.kept.count >= 2 * Self.memory { state.kept.removeFirst(Self.memory) }
            let slow = state.listeners.filter { _, sink in if case .enqueued = sink.yield(item) { false } else { true } }
            for id in slow.keys { state.listeners[id] = nil }
            return slow.values
        }
        // Outside the lock, which the end of a stream asks for.
        for sink in slow { sink.finish() }
    }

    /// The newest ones, the newest last.
    package func latest(_ count: Int) -> [Item] { state.withLock { Array($0.kept.suffix(max(0, count))) } }

    /// What has happened since the event of this number, as far as it is kept, and what happens from now on; nil begins now.
    ///
    /// - Throws: `rate_limited` where too many listen already.
    package func listen(after number: Int64? = nil) throws(Problem) -> AsyncStream<Item> {
        let (stream, sink) = AsyncStream<Item>.makeStream(bufferingPolicy: .bufferingOldest(2 * Self.memory + Self.patience))
        let id: UInt64 = try state.withLock { state throws(Problem) in
            guard state.listeners.count < Self.maxListeners else { throw Problem(.rateLimited, "\(Self.maxListeners) streams of events are open already") }
            if let number { for item in state.kept where item.number > number { sink.yield(item) } }
            state.nextListener += 1
            if state.isClosed { sink.finish() } else { state.listeners[state.nextListener] = sink }
            return state.nextListener
        }
        sink.onTermination = { _ in self.state.withLock { _ = $0.listeners.removeValue(forKey: id) } }
        return stream
    }

    /// Ends all streams; no new one goes on.
    func close() {
        let sinks = state.withLock { state in
            defer { state.listeners = [:] }
            state.isClosed = true
            return Array(state.listeners.values)
        }
        for sink in sinks { sink.finish() }
    }

    /// For `GET /events`, with a comment every 15 seconds that finds connections whose other end is gone.
    func stream(after number: Int64?) throws(Problem) -> AsyncStream<ServerSentEvent> {
        let items = try listen(after: number)
        let (stream, sink) = AsyncStream<ServerSentEvent>.makeStream(bufferingPolicy: .bufferingOldest(2 * Self.memory + Self.patience))
        let relay = Task {
            for await item in items {
                guard case .enqueued = sink.yield(.event(id: "\(item.number)", name: item.event.name.rawValue, data: item.json)) else { break }
            }
            sink.finish()
        }
        let beats = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(15))
                sink.yield(.beat)
            }
        }
        sink.onTermination = { _ in
            relay.cancel()
            beats.cancel()
        }
        return stream
    }
}
