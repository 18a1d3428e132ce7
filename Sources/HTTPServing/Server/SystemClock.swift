import Wire

/// The machine's own clock, for every service; each service's port of time is an extension beside that port.
package struct SystemClock: Sendable {
    package init() {}

    /// Unix seconds.
    package var nowSeconds: Int64 { WallClock.now().seconds }

    /// Unix milliseconds.
    package var nowMilliseconds: Int64 {
        let (seconds, nanoseconds) = WallClock.now()
        return seconds * 1000 + nanoseconds / 1_000_000
    }
}
