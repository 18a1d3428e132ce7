/// A binary format in which a product can be reproduced to the bit.
protocol PanelFloat: ElementaryFloat, BitwiseCopyable {
    /// The bits that every NaN is written as.
    static var canonicalNaN: UInt64 { get }
    /// The element's bits, widened with zeros.
    var widenedBits: UInt64 { get }
}

extension Float: PanelFloat {
    static var canonicalNaN: UInt64 { 0x7fc0_0000 }
    var widenedBits: UInt64 { UInt64(bitPattern) }
}

extension Double: PanelFloat {
    static var canonicalNaN: UInt64 { 0x7ff8_0000_0000_0000 }
    var widenedBits: UInt64 { bitPattern }
}

/// The reproducible dot product of PROTOCOL section 9, by its definition.
enum Panel256 {
    static let length = 256

    /// Panels of 256 terms, each a chain of fused multiply-adds from +0 in ascending order; then panel 0 plus each next panel.
    ///
    /// - Parameters:
    ///   - count: terms; 0 gives +0.
    ///   - accumulate: adds the product of one term with `addProduct`, which rounds once.
    static func sum<T: PanelFloat>(count: Int, _ accumulate: (inout T, Int) -> Void) -> T {
        var sum: T = 0
        var start = 0
        while start < count {
            var accumulator: T = 0
            for term in start..<min(start + length, count) { accumulate(&accumulator, term) }
            sum = start == 0 ? accumulator : sum + accumulator
            start += length
        }
        return sum
    }

    /// The bits that are written: −0 as +0, every NaN as the one canonical NaN.
    static func canonicalBits<T: PanelFloat>(_ value: T) -> UInt64 {
        if value.isNaN { return T.canonicalNaN }
        return value == 0 ? 0 : value.widenedBits
    }
}
