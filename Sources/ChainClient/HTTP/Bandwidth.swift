/// Holds long transfers to a rate in one direction, all of them together: one that comes while bytes are owed waits until time has paid for them.
///
/// libcurl's own limit is one for each transfer, and takes up to a hundred buffers before it looks: tens of megabytes. Belongs to the transfer thread.
final class Bandwidth {
    /// Bytes per second; 0 for any number.
    private var rate: Int64 = 0
    /// Bytes that were moved and not paid for yet; below 0, what may be moved at once.
    private var owed = 0.0
    private var last = ContinuousClock.now
    /// Transfers that wait, the longest waiting first, so that they take turns.
    private(set) var waiting: [UInt64] = []

    /// The longest idle time that is made up for, in seconds: as much as the thread may come late.
    private static let credit = 0.1

    /// Whether a transfer may move bytes now. One that may not is among those that wait.
    func mayMove(_ id: UInt64) -> Bool {
        guard rate > 0, owed > 0 else { return true }
        waiting.append(id)
        return false
    }

    func didMove(_ bytes: Int) { if rate > 0 { owed += Double(bytes) } }

    /// The most bytes that are sent at once: a tenth of a second's, so that a slow rate is no row of long pauses.
    var mostAtOnce: Int { rate > 0 ? max(1_024, Int(clamping: rate / 10)) : .max }

    /// Time passes. Gives those that may go on; they wait no more.
    ///
    /// - Parameter rate: bytes per second from now on; 0 for any number.
    func turn(bytesPerSecond rate: Int64, now: ContinuousClock.Instant = .now) -> [UInt64] {
        owed = self.rate > 0 ? max(-Self.credit * Double(rate), owed - Double(self.rate) * ((now - last) / .seconds(1))) : 0
        (self.rate, last) = (rate, now)
        guard rate == 0 || owed <= 0 else { return [] }
        defer { waiting = [] }
        return waiting
    }

    /// Until the first one that waits may go on; nil where none does.
    var pause: Duration? { waiting.isEmpty || rate == 0 ? nil : .seconds(max(0, owed) / Double(rate)) }
}
