/// The few functions that normal deviates need, from binary64's basic operations alone, for four numbers side by side.
///
/// No libm: the same challenge gives the same probes on every machine, so that an audit can be repeated to the bit. The lanes don't
/// touch one another; together they take little longer than one, whose operations would wait for each other.
enum Elementary {
    typealias Four = SIMD4<Double>

    /// ln x for positive, finite x of the normal range, to a few units in the last place.
    ///
    /// x = 2^e·s with s in [√½, √2); ln s = 2·artanh((s−1)/(s+1)), whose series in z² ≤ 0.0295 is cut after z^21 (next term < 2^−59).
    static func log(_ x: Four) -> Four {
        let bits = unsafe unsafeBitCast(x, to: SIMD4<UInt64>.self)
        // As the last bits of 2^52 + e: e is there without a conversion.
        var exponent = unsafe unsafeBitCast((bits &>> 52) | 0x4330_0000_0000_0000, to: Four.self) - (0x1p52 + 1023)
        var s = unsafe unsafeBitCast((bits & 0xf_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000, to: Four.self)
        let isLarge = s .> 1.414_213_562_373_095_1
        s.replace(with: s * 0.5, where: isLarge)
        exponent.replace(with: exponent + 1, where: isLarge)
        let z = (s - 1) / (s + 1)
        return exponent * 0.693_147_180_559_945_3 + 2 * z * horner(z * z, artanhSeries)
    }

    /// cos 2πt and sin 2πt for t = i·2^−53 in [0, 1), to a few units in the last place of 1.
    ///
    /// t = q/4 + r with |r| ≤ 1/8; Taylor series in (2πr)² ≤ 0.617, cut where the next term is < 2^−56.
    static func cosineAndSine(turns t: Four) -> (cosine: Four, sine: Four) {
        var quarter = Four.zero
        for (number, start) in [0.125, 0.375, 0.625, 0.875].enumerated() { quarter.replace(with: Double(number + 1), where: t .>= start) }
        let angle = (t - quarter * 0.25) * (2 * Double.pi)
        let square = angle * angle
        let (cosine, sine) = (horner(square, cosineSeries), angle * horner(square, sineSeries))
        let isOdd = quarter .== 1 .| quarter .== 3
        var (x, y) = (cosine.replacing(with: sine, where: isOdd), sine.replacing(with: cosine, where: isOdd))
        x.replace(with: -x, where: quarter .== 1 .| quarter .== 2)
        y.replace(with: -y, where: quarter .== 2 .| quarter .== 3)
        return (x, y)
    }

    /// 1/(2i+1).
    private static let artanhSeries: InlineArray<11, Double> = [
        1, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21,
    ]
    /// (−1)^i/(2i)!
    private static let cosineSeries: InlineArray<9, Double> = [
        1, -1.0 / 2, 1.0 / 24, -1.0 / 720, 1.0 / 40_320, -1.0 / 3_628_800, 1.0 / 479_001_600, -1.0 / 87_178_291_200, 1.0 / 20_922_789_888_000,
    ]
    /// (−1)^i/(2i+1)!
    private static let sineSeries: InlineArray<9, Double> = [
        1, -1.0 / 6, 1.0 / 120, -1.0 / 5_040, 1.0 / 362_880, -1.0 / 39_916_800, 1.0 / 6_227_020_800, -1.0 / 1_307_674_368_000,
        1.0 / 355_687_428_096_000,
    ]

    /// c_0 + x·(c_1 + x·(c_2 + …)).
    private static func horner<let count: Int>(_ x: Four, _ coefficients: InlineArray<count, Double>) -> Four {
        var sum = Four(repeating: coefficients[count - 1])
        for index in (0..<count - 1).reversed() { sum = sum * x + coefficients[index] }
        return sum
    }
}
