/// What a reading of hardware may be. A sensor outside it lies, and counts as one that can't be read.
package enum PlausibleRange {
    /// °C. Sensors that are not wired, or whose chip lost its bus, say 0, −128 or 127 (the ends of an 8-bit register); silicon that works is
    /// above freezing and dead at 127.
    package static func temperature(_ celsius: Double) -> Double? { celsius > 0 && celsius < 127 ? celsius : nil }

    /// Watts of one device; beyond every processor and accelerator built, several of them on a board included.
    package static func power(_ watts: Double) -> Double? { watts > 0 && watts <= largestPower ? watts : nil }

    package static let largestPower = 3_000.0

    package static func share(_ value: Double) -> Double? { value >= 0 && value <= 1 ? value : nil }
}
