import Foundation
import Synchronization

/// Tells everybody who waits that something has changed: tasks, and threads that block.
///
/// Take `generation`, look at what you wait for, then wait for what comes after that generation: no change is missed.
///
/// `@unchecked Sendable`: `NSCondition` is a lock and a condition, used as such.
final class Broadcast: @unchecked Sendable {
    private struct State {
        var generation: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter: UInt64 = 0
    }

    private let state = Mutex(State())
    private let condition = NSCondition()

    var generation: UInt64 { state.withLock { $0.generation } }

    func notify() {
        let waiters = state.withLock { state in
            state.generation += 1
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
        condition.lock()
        condition.broadcast()
        condition.unlock()
    }

    /// Returns once something has changed since `generation`, or the task is canceled.
    func wait(after generation: UInt64) async {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.generation != generation || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.resume()
        }
    }

    /// The same for a thread that may block; returns after `limit` at the latest.
    func block(after generation: UInt64, atMost limit: Duration) {
        let end = Date(timeIntervalSinceNow: limit / .seconds(1))
        condition.lock()
        defer { condition.unlock() }
        while self.generation == generation, condition.wait(until: end) {}
    }
}
