import Glibc

/// The machine's wall clock.
package enum WallClock {
    /// Since 1970-01-01T00:00:00Z: whole seconds, and nanoseconds in 0…999,999,999.
    package static func now() -> (seconds: Int64, nanoseconds: Int64) {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return (Int64(time.tv_sec), Int64(time.tv_nsec))
    }
}
