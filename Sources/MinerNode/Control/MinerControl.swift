import Foundation
import Glibc
import Synchronization
package import Jobs
package import Wire

/// What its operator has told a miner to do: work, pause, or finish what it holds and take nothing new.
///
/// It is kept in the miner's folder, so that who pauses a machine and restarts it finds it paused. The terminal page, the local API and tests
/// share one object; every change is on the disk before it counts.
package final class MinerControl: Sendable {
    package enum Mode: String, Sendable, CaseIterable {
        case working, paused, draining

        /// Why a miner in this mode takes no work; nil while it does.
        package var reason: WorkReason? {
            switch self {
            case .working: nil
            case .paused: .pausedByOperator
            case .draining: .draining
            }
        }
    }

    private struct State {
        var mode: Mode
        /// Unix seconds.
        var since: Int64
        var listeners: [UInt64: AsyncStream<Mode>.Continuation] = [:]
        var lastListener: UInt64 = 0
    }

    private let path: String?
    private let state: Mutex<State>
    /// Changes come one after the other, on a queue that may wait for the disk.
    private let queue = DiskQueue("control")

    /// - Parameter folder: the miner's, made if it is missing; nil keeps nothing.
    /// - Throws: `io_failed` if the folder can't be used.
    package init(folder: String?) throws(Problem) {
        let now = Int64(Date().timeIntervalSince1970)
        guard let folder else {
            path = nil
            state = Mutex(State(mode: .working, since: now))
            return
        }
        try DataFolder.make(folder)
        let file = "\(folder)/control.json"
        path = file
        let kept = Self.read(file)
        state = Mutex(State(mode: kept?.mode ?? .working, since: kept?.since ?? now))
    }

    package var mode: Mode { state.withLock { $0.mode } }
    /// When the mode was last changed, in Unix seconds.
    package var since: Int64 { state.withLock { $0.since } }

    /// Stops computing within a second, or at a running computation's next checkpoint; takes nothing new.
    package func pause() async throws(Problem) { try await set(.paused) }
    /// Works again, after a pause or a drain.
    package func resume() async throws(Problem) { try await set(.working) }
    /// Finishes what is held and takes nothing new.
    package func drain() async throws(Problem) { try await set(.draining) }

    /// Throws `io_failed` where the change can't be kept; then nothing has changed.
    package func set(_ mode: Mode) async throws(Problem) {
        try await queue.run { () throws(Problem) in
            guard mode != self.mode else { return }
            let now = Int64(Date().timeIntervalSince1970)
            if let path = self.path { try Self.write(mode, now, to: path) }
            self.state.withLock { state in
                (state.mode, state.since) = (mode, now)
                for listener in state.listeners.values { listener.yield(mode) }
            }
        }
    }

    /// The mode now, and each later one; of several changes that nobody looked at the last.
    package func changes() -> AsyncStream<Mode> {
        let (stream, sink) = AsyncStream<Mode>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.lastListener += 1
            state.listeners[state.lastListener] = sink
            sink.yield(state.mode)
            return state.lastListener
        }
        sink.onTermination = { _ in self.state.withLock { _ = $0.listeners.removeValue(forKey: id) } }
        return stream
    }

    // MARK: the file

    /// nil where there is none. A file that can't be understood means a pause: somebody wanted something else than work.
    private static func read(_ path: String) -> (mode: Mode, since: Int64)? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        do throws(Problem) {
            guard data.count <= 1024 else { throw Problem(.badJSON, "too long") }
            var fields = try JSONFields(try JSON.parse(Array(data)), "control")
            guard let mode = Mode(rawValue: try fields.string("mode", maxBytes: 32)) else { throw Problem(.outOfRange, "no such mode") }
            return (mode, try fields.integer("since"))
        } catch {
            return (.paused, 0)
        }
    }

    private static func write(_ mode: Mode, _ since: Int64, to path: String) throws(Problem) {
        let bytes = (["mode": .string(mode.rawValue), "since": .integer(since)] as JSON).canonicalBytes
        try PrivateFile.write(bytes, to: path)
    }
}
