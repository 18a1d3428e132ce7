package import HTTPServing
import Wire

/// The wall clock as the chain uses it: whole seconds, and sleeping until one of them.
package protocol ChainClock: Sendable {
    /// Unix seconds.
    func now() -> Int64

    /// Returns once `now()` is at least `time`; throws `CancellationError` when the task is cancelled before.
    func sleep(until time: Int64) async throws
}

extension SystemClock: ChainClock {
    package func now() -> Int64 { nowSeconds }

    /// Sleeps on the continuous clock in steps of at most a second, so that a set wall clock is soon noticed.
    package func sleep(until time: Int64) async throws {
        while true {
            let (seconds, nanoseconds) = WallClock.now()
            guard seconds < time else { return }
            let wait = time - seconds > 1 ? Duration.seconds(1) : .nanoseconds(1_000_000_000 - nanoseconds)
            try await Task.sleep(for: wait, tolerance: .zero, clock: .continuous)
        }
    }
}
