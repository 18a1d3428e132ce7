import Wire

/// One counter of energy and what it said last: watts are differences.
package struct EnergyZone: Sendable {
    /// `package-0`, …
    package let name: String
    let path: String
    /// The counter's largest value in microjoules, after which it starts at 0; nil if it doesn't say.
    let range: Int64?
    /// Watts that no processor's package draws.
    static let largestPower = 1_000.0
    private var last: (microjoules: Int64, at: Duration)?

    init(name: String, path: String, range: Int64?) { (self.name, self.path, self.range) = (name, path, range.flatMap { $0 > 0 ? $0 : nil }) }

    /// Watts since the reading before.
    ///
    /// nil for the first one, and where no answer can be trusted: the counter stood still (no processor draws nothing; virtual machines show
    /// such counters), it fell and doesn't say where it wraps, or it may have wrapped twice, because more time went by than
    /// `largestPower` takes to fill it (65 s for the smallest range in use, 65,536 J).
    ///
    /// - Parameter now: monotonic.
    mutating func power(_ microjoules: Int64?, at now: Duration) -> Double? {
        guard let microjoules, microjoules >= 0, range.map({ microjoules <= $0 }) ?? true else {
            self.last = nil
            return nil
        }
        defer { self.last = (microjoules, now) }
        guard let last = self.last else { return nil }
        let seconds = (now - last.at).seconds
        guard seconds > 0 else { return nil }
        if let range, seconds * Self.largestPower * 1e6 >= Double(range) { return nil }
        var spent = microjoules - last.microjoules
        if spent < 0 {
            guard let range else { return nil }
            // Both are in 0...range, so neither step can overflow: the sum is at most range.
            spent = range - last.microjoules + microjoules
        }
        let watts = Double(spent) / 1e6 / seconds
        return watts <= Self.largestPower ? PlausibleRange.power(watts) : nil
    }
}
