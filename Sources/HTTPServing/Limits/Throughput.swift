import Wire

/// Bytes against the time that was spent waiting for the other end, and for nothing else, a window at a time: what came fast
/// before doesn't pay for a later standstill.
package struct Throughput: Sendable {
    /// The least that is taken.
    package struct Floor: Sendable, Equatable {
        /// A window: so much waiting is looked at at once, so that a pause of nearly that length is forgiven.
        package var window: Duration
        /// The least average over a window.
        package var bytesPerSecond: Int

        package init(window: Duration = .seconds(30), bytesPerSecond: Int = 16 << 10) {
            self.window = window
            self.bytesPerSecond = bytesPerSecond
        }
    }

    private var bytes = 0
    private var waited = Duration.zero
    private var since: ContinuousClock.Instant?

    /// The other end's turn begins.
    mutating func wait(from now: ContinuousClock.Instant) { if since == nil { since = now } }

    /// It is over: our own time begins.
    mutating func stop(at now: ContinuousClock.Instant) {
        if let since { waited += now - since }
        since = nil
    }

    mutating func add(_ count: Int) { bytes += count }

    /// Whether the other end was too slow over a whole window of waiting; begins the next one where it wasn't.
    mutating func isTooSlow(_ floor: Floor, at now: ContinuousClock.Instant) -> Bool {
        if let since {
            waited += now - since
            self.since = now
        }
        guard waited >= floor.window else { return false }
        if Double(bytes) < waited.seconds * Double(floor.bytesPerSecond) { return true }
        (bytes, waited) = (0, .zero)
        return false
    }
}
