// A duration as plain numbers. One place for all: two copies that round differently would tell two times for one thing.
extension Duration {
    /// Seconds, as near as a binary64 comes.
    package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }

    /// Whole nanoseconds, rounded toward zero; at the limit where that doesn't fit in 64 bits.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, over) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overSum) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return over || overSum ? (seconds < 0 ? .min : .max) : sum
    }

    /// Whole microseconds, rounded toward zero, at least 0: what is told of a time that passed.
    package var microseconds: Int64 { max(0, nanoseconds / 1000) }

    /// Milliseconds to three decimals, for log lines.
    package var milliseconds: Double { Double(nanoseconds / 1000) / 1000 }
}
