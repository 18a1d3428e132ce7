import HTTPServing
import Metrics
import Signing
import Synchronization
import Wire

/// Gives events to those who listen, and keeps the latest for those who come back.
///
/// Bounded in all: what is kept, who listens, and what waits for one listener. A listener that falls behind is sent away; with
/// `Last-Event-ID` it goes on where it was, for as long as that is kept. Ids begin with the start's time, so that those of an
/// earlier run are told apart.
final class EventHub: Sendable {
    private struct Listener {
        let client: Address
        let sink: AsyncStream<ServerSentEvent>.Continuation
    }

    private struct State {
        /// The number of the latest event.
        var last: Int64 = 0
        /// In order; the first has the number last − count + 1.
        var kept: [BoardEvent] = []
        var listeners: [UInt64: Listener] = [:]
        var nextListener: UInt64 = 0
        var isClosed = false
    }

    /// The least that is kept; twice as much at times.
    static let memory = 4096
    static let maxListenersPerClient = 4
    /// Events that wait for one listener.
    static let patience = 512

    private let epoch: String
    private let maxListeners: Int
    private let state = Mutex(State())
    private let registry: PrometheusRegistry

    /// - Parameters:
    ///   - start: Unix milliseconds.
    ///   - maxListeners: streams at one time.
    init(start: Int64, maxListeners: Int, registry: PrometheusRegistry) {
        self.maxListeners = maxListeners
        epoch = String(start, radix: 16)
        self.registry = registry
        registry.describe("adit_event_listeners", "Open event streams.")
        registry.describe("adit_event_listeners_dropped_total", "Event streams that were ended because their client was too slow.")
    }

    var hasListeners: Bool { state.withLock { !$0.listeners.isEmpty } }

    /// Keeps an event and hands it to those whom it is for.
    func publish(_ event: BoardEvent) {
        state.withLock { state in
            state.last += 1
            state.kept.append(event)
            if state.kept.count >= 2 * Self.memory { state.kept.removeFirst(Self.memory) }
            guard !state.listeners.isEmpty else { return }
            let line = line(event, state.last)
            give(line, in: &state) { event.client == nil || event.client == $0 }
        }
    }

    /// Keeps the connections alive, and finds those whose other end is gone.
    func beat() { state.withLock { give(.beat, in: &$0) { _ in true } } }

    /// Ends all streams; no new one begins.
    func close() {
        let sinks = state.withLock { state in
            defer { state.listeners = [:] }
            state.isClosed = true
            return state.listeners.values.map(\.sink)
        }
        for sink in sinks { sink.finish() }
    }

    /// What has happened since the event `after`, and what happens from now on: for `client`, its own tasks and public events.
    ///
    /// Where something after it is not kept any more, or `after` is of an earlier run, a `network_state_changed` with
    /// `"missed": true` comes first: the client asks `GET /tasks` for what it wants to know.
    /// - Throws: `rate_limited`; `unavailable` when the service stops; `bad_request` for an id that was never given.
    func listen(_ client: Address, after: String?) throws(Problem) -> AsyncStream<ServerSentEvent> {
        let place = try after.map { (id) throws(Problem) in try position(id) }
        let (stream, sink) = AsyncStream<ServerSentEvent>.makeStream(bufferingPolicy: .bufferingOldest(2 * Self.memory + Self.patience))
        let result: Result<UInt64, Problem> = state.withLock { state in
            if state.isClosed { return .failure(Problem(.unavailable, "the service is stopping")) }
            let own = state.listeners.filter { $0.value.client == client }
            if own.count >= Self.maxListenersPerClient, let oldest = own.keys.min() {
                // Most likely a connection that its client has given up.
                dismiss(oldest, from: &state)
            }
            guard state.listeners.count < maxListeners else {
                return .failure(Problem(.rateLimited, "too many event streams are open; try later"))
            }
            if let place { replay(after: place, to: client, sink, state) }
            state.nextListener += 1
            state.listeners[state.nextListener] = Listener(client: client, sink: sink)
            show(state)
            return .success(state.nextListener)
        }
        let id = try result.get()
        sink.onTermination = { [weak self] _ in self?.leave(id) }
        return stream
    }

    // MARK: inside

    private func leave(_ id: UInt64) {
        state.withLock { state in
            state.listeners[id] = nil
            show(state)
        }
    }

    private func line(_ event: BoardEvent, _ number: Int64) -> ServerSentEvent {
        .event(id: "\(epoch)-\(number)", name: event.name.rawValue, data: event.data)
    }

    /// Yields to the listeners of the clients that `isFor` names; one that has not taken the last `patience` is let go.
    private func give(_ event: ServerSentEvent, in state: inout State, _ isFor: (Address) -> Bool) {
        for (id, listener) in state.listeners where isFor(listener.client) {
            switch listener.sink.yield(event) {
            case .enqueued(let room) where room >= 2 * Self.memory: continue
            case .terminated: state.listeners[id] = nil
            default:
                Counter(label: "adit_event_listeners_dropped_total", factory: registry).increment()
                dismiss(id, from: &state)
            }
        }
    }

    private func dismiss(_ id: UInt64, from state: inout State) {
        guard let sink = state.listeners.removeValue(forKey: id)?.sink else { return }
        // Not here: `finish` calls `leave`, which takes the lock.
        Task { sink.finish() }
    }

    private func show(_ state: State) { Meter(label: "adit_event_listeners", factory: registry).set(state.listeners.count) }

    /// The number that an id names; 0 for one of an earlier run.
    private func position(_ id: String) throws(Problem) -> Int64 {
        let parts = id.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, Int64(parts[0], radix: 16) != nil, let number = Int64(parts[1]), number > 0 else {
            throw Problem(.badRequest, "Last-Event-ID is the id of an event of this service's")
        }
        return parts[0] == epoch ? number : -1
    }

    private func replay(after place: Int64, to client: Address, _ sink: AsyncStream<ServerSentEvent>.Continuation, _ state: State) {
        let first = state.last - Int64(state.kept.count) + 1
        if place < first - 1 || place > state.last {
            sink.yield(.event(id: "\(epoch)-\(max(first - 1, 0))", name: BoardEvent.Name.networkStateChanged.rawValue, data: ["missed": true]))
        }
        for (offset, event) in state.kept.enumerated() where first + Int64(offset) > place {
            if event.client == nil || event.client == client { sink.yield(line(event, first + Int64(offset))) }
        }
    }
}
