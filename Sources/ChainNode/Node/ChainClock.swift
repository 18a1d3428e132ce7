import Glibc

/// The wall clock as the chain uses it: whole seconds, and sleeping until one of them.
package protocol ChainClock: Sendable {
    /// Unix seconds.
    func now() -> Int64

    /// Returns once `now()` is at least `time`; throws `CancellationError` when the task is cancelled before.
    func sleep(until time: Int64) async throws
}

/// The machine's wall clock.
package struct SystemClock: ChainClock {
    package init() {}

    package func now() -> Int64 { Self.time().seconds }

    /// Sleeps on the continuous clock in steps of at most a second, so that a set wall clock is soon noticed.
    package func sleep(until time: Int64) async throws {
        while true {
            let (seconds, nanoseconds) = Self.time()
            guard seconds < time else { return }
            let wait = time - seconds > 1 ? Duration.seconds(1) : .nanoseconds(1_000_000_000 - nanoseconds)
            try await Task.sleep(for: wait, tolerance: .zero, clock: .continuous)
        }
    }

    private static func time() -> (seconds: Int64, nanoseconds: Int64) {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return (Int64(time.tv_sec), Int64(time.tv_nsec))
    }
}
