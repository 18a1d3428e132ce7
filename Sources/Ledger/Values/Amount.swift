package import Wire

/// Checked arithmetic on amounts, units and heights: integers in 0 … 2^53−1 (PROTOCOL section 1).
///
/// Products are formed in 128 bits, so a result is out of range only when it truly is. Every failure is `out_of_range`;
/// nothing wraps and nothing traps.
package enum Amount {
    package static let range: ClosedRange<Int64> = 0...JSON.maxInteger

    package static func add(_ left: Int64, _ right: Int64) throws(Problem) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        guard !overflow, range.contains(sum) else { throw Problem(.outOfRange, "\(left) + \(right) is outside 0...2^53-1") }
        return sum
    }

    package static func subtract(_ left: Int64, _ right: Int64) throws(Problem) -> Int64 {
        let (difference, overflow) = left.subtractingReportingOverflow(right)
        guard !overflow, range.contains(difference) else { throw Problem(.outOfRange, "\(left) - \(right) is outside 0...2^53-1") }
        return difference
    }

    package static func multiply(_ left: Int64, _ right: Int64) throws(Problem) -> Int64 {
        try narrow(product(left, right), "\(left) × \(right)")
    }

    /// ⌊amount × points / 10,000⌋, for `points` basis points.
    package static func basisPoints(_ points: Int64, of amount: Int64) throws(Problem) -> Int64 {
        try narrow(product(amount, points) / 10_000, "\(points) basis points of \(amount)")
    }

    /// What part `part` of `parts` gets of `total`: ⌊total·(part+1)/parts⌋ − ⌊total·part/parts⌋ (PROTOCOL section 4).
    ///
    /// Throws `out_of_range` unless 0 ≤ part < parts and 0 ≤ total ≤ 2^53−1.
    package static func share(of total: Int64, part: Int64, parts: Int64) throws(Problem) -> Int64 {
        guard range.contains(total), range.contains(parts), part >= 0, part < parts else {
            throw Problem(.outOfRange, "there is no part \(part) of \(parts) of \(total)")
        }
        let upper = product(total, part + 1) / UInt128(parts)
        let lower = product(total, part) / UInt128(parts)
        return try narrow(upper - lower, "a share of \(total)")
    }

    /// The exact product of two values of the range; negative ones count as 0.
    static func product(_ left: Int64, _ right: Int64) -> UInt128 {
        UInt128(max(0, left)) * UInt128(max(0, right))
    }

    private static func narrow(_ value: UInt128, _ what: String) throws(Problem) -> Int64 {
        guard value <= UInt128(JSON.maxInteger) else { throw Problem(.outOfRange, "\(what) is over 2^53-1") }
        return Int64(value)
    }
}
