import Glibc
import Wire

/// The coordinator's sense of time: Unix milliseconds, and waiting. Tests pass one that they move themselves.
package protocol ServiceClock: Sendable {
    var nowMilliseconds: Int64 { get }
    /// Returns after so long, or throws `CancellationError`.
    func sleep(milliseconds: Int64) async throws
}

/// The machine's own clock.
package struct SystemClock: ServiceClock {
    package init() {}

    package var nowMilliseconds: Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    package func sleep(milliseconds: Int64) async throws { try await Task.sleep(for: .milliseconds(milliseconds)) }
}
