import ChainNode
import Synchronization

/// A clock that only moves when told: a test's blocks come when it says so.
final class ManualClock: ChainClock {
    private struct State {
        var now: Int64
        var sleepers: [UInt64: (time: Int64, wake: CheckedContinuation<Void, any Error>)] = [:]
        var watchers: [CheckedContinuation<Void, Never>] = []
        var counter: UInt64 = 0
    }

    private let state: Mutex<State>

    init(_ now: Int64) { state = Mutex(State(now: now)) }

    func now() -> Int64 { state.withLock { $0.now } }

    func sleep(until time: Int64) async throws {
        let id = state.withLock { state in
            state.counter += 1
            return state.counter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (wake: CheckedContinuation<Void, any Error>) in
                let watchers: [CheckedContinuation<Void, Never>] = state.withLock { state in
                    if Task.isCancelled {
                        wake.resume(throwing: CancellationError())
                        return []
                    }
                    guard time > state.now else {
                        wake.resume()
                        return []
                    }
                    state.sleepers[id] = (time, wake)
                    defer { state.watchers = [] }
                    return state.watchers
                }
                for watcher in watchers { watcher.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.wake.resume(throwing: CancellationError())
        }
    }

    /// Returns once someone sleeps: the proposer has done what there was to do.
    func settled() async {
        await withCheckedContinuation { watcher in
            let asleep = state.withLock { state in
                if !state.sleepers.isEmpty { return true }
                state.watchers.append(watcher)
                return false
            }
            if asleep { watcher.resume() }
        }
    }

    /// Sets the time where nobody sleeps.
    func set(_ now: Int64) { state.withLock { $0.now = now } }

    /// Moves time on, wakes who has slept enough, and waits until the proposer sleeps again.
    func advance(by seconds: Int64) async {
        await settled()
        let due = state.withLock { state in
            state.now += seconds
            let due = state.sleepers.filter { $0.value.time <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.wake)
        }
        for wake in due { wake.resume() }
        await settled()
    }
}
