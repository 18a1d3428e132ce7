import Synchronization

/// Time that moves when a test says so.
final class Clock: Sendable {
    private let time = Mutex(Duration.seconds(1_000))

    var now: @Sendable () -> Duration { { self.time.withLock { $0 } } }

    func advance(by step: Duration) { time.withLock { $0 += step } }
}
