/// exp, log, tanh, erf and what is made of them: the same bits on every machine, as `Sources/CKernels/elementary.h` computes them.
///
/// Fixed polynomials over IEEE operations, each rounded once, and fma, in a fixed order; no library's functions. Every NaN that comes
/// out is the canonical one. Largest errors are measured, binary32 over all its values; docs/VERIFICATION.md has them.
protocol ElementaryFloat: BinaryFloatingPoint, Sendable {
    static var elementary: ElementaryConstants<Self> { get }
    /// ln(1 + f) + e·ln 2 for 1 + f in [√½, √2) and an integer e: each format has its own series.
    static func log(exponent e: Self, fraction f: Self) -> Self
}

extension ElementaryFloat {
    /// e^x; 0 and infinity beyond the format's range, gradual underflow within it.
    static func exp(_ x: Self) -> Self {
        guard !x.isNaN else { return .nan }
        let high = x < elementary.expHigh ? x : elementary.expHigh
        let (q, n) = expm1Reduced(high > elementary.expLow ? high : elementary.expLow)
        // In two steps: 2^n alone leaves the format's range at both ends.
        let half = (n * 0.5).rounded(.toNearestOrEven)
        return (q + 1) * powerOfTwo(half) * powerOfTwo(n - half)
    }

    /// ln x; −∞ at 0, NaN below.
    static func log(_ x: Self) -> Self {
        guard x > 0 else { return x == 0 ? -.infinity : .nan }
        guard x < .infinity else { return .infinity }
        let isSmall = x < .leastNormalMagnitude
        let shift = Self(isSmall ? elementary.subnormalExponent : 0)
        let scaled = x * powerOfTwo(shift)
        var (exponent, significand) = (Self(scaled.exponent), scaled.significand)
        if significand >= 2 * elementary.sqrtHalf { (exponent, significand) = (exponent + 1, significand * 0.5) }
        return log(exponent: exponent - shift, fraction: significand - 1)
    }

    /// tanh x, of the sign of x, 0 included.
    static func tanh(_ x: Self) -> Self {
        guard !x.isNaN else { return .nan }
        let a = x.magnitude < elementary.tanhEnd ? x.magnitude : elementary.tanhEnd
        let (q, n) = expm1Reduced(a + a)
        let power = powerOfTwo(n)
        let m = (power - 1).addingProduct(power, q)  // e^2a − 1
        return Self(signOf: x, magnitudeOf: m / (m + 2))
    }

    /// erf x, of the sign of x, 0 included.
    static func erf(_ x: Self) -> Self {
        guard !x.isNaN else { return .nan }
        let a = x.magnitude < elementary.erfEnd ? x.magnitude : elementary.erfEnd
        guard a >= 0.92 else { return Self(signOf: x, magnitudeOf: a.addingProduct(a, horner(a * a, elementary.erfNear))) }
        let (q, n) = expm1Reduced(-horner(a, elementary.erfFar))
        let power = powerOfTwo(n)
        return Self(signOf: x, magnitudeOf: 1 - power.addingProduct(power, q))
    }

    /// 1 / (1 + e^−x).
    static func sigmoid(_ x: Self) -> Self {
        guard !x.isNaN else { return .nan }
        let e = exp(-x.magnitude)
        return (x < 0 ? e : 1) / (1 + e)
    }

    /// x·(1 + erf(x/√2))/2.
    static func gelu(_ x: Self) -> Self { weightedHalf(x, 1 + erf(x * elementary.sqrtHalf)) }

    /// gelu's derivative: (1 + erf(x/√2))/2 + x·exp(−x²/2)/√(2π).
    static func geluSlope(_ x: Self) -> Self {
        let distribution = 0.5 * (1 + erf(x * elementary.sqrtHalf))
        return distribution.addingProduct(x * (0.5 * elementary.sqrtTwoOverPi), exp(-0.5 * x * x))
    }

    /// x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2.
    static func geluTanh(_ x: Self) -> Self {
        let inner = x.addingProduct(x * x * elementary.cubic, x) * elementary.sqrtTwoOverPi
        return weightedHalf(x, 1 + tanh(inner))
    }

    /// x·sigmoid(x): 0 where sigmoid is 0, even at −∞.
    static func silu(_ x: Self) -> Self {
        let weight = sigmoid(x)
        return weight == 0 ? 0 : x * weight
    }

    /// ln(1 + e^x) as max(x, 0) + ln(1 + e), e = e^−|x|; with u = 1 + e rounded, ln(1 + e) is ln u times e/(u − 1), which mends the rounding
    /// (Higham, *Accuracy and Stability of Numerical Algorithms*, section 1.14.1).
    static func softplus(_ x: Self) -> Self {
        guard !x.isNaN else { return .nan }
        let e = exp(-x.magnitude)
        let u = 1 + e
        return (x > 0 ? x : 0) + (u == 1 ? e : log(u) * (e / (u - 1)))
    }

    /// x/2 times a weight in 0...2: 0 where the weight is 0, even at −∞.
    private static func weightedHalf(_ x: Self, _ weight: Self) -> Self {
        guard !x.isNaN else { return .nan }
        return weight == 0 ? 0 : 0.5 * x * weight
    }

    /// x = n·ln 2 + r with |r| ≤ 0.347: e^r − 1, and n.
    private static func expm1Reduced(_ x: Self) -> (q: Self, n: Self) {
        let n = elementary.magic.addingProduct(x, elementary.log2e) - elementary.magic
        // The first step is exact: its result is a multiple of the last place of ln2High, below 1/2.
        let r = x.addingProduct(-n, elementary.ln2High).addingProduct(-n, elementary.ln2Low)
        return (r.addingProduct(r * r, horner(r, elementary.exp)), n)
    }

    /// 2^n for an integer n of the normal range.
    private static func powerOfTwo(_ n: Self) -> Self { Self(sign: .plus, exponent: Exponent(n), significand: 1) }

    /// Coefficients from the highest power down, each step one fma.
    static func horner(_ x: Self, _ coefficients: [Self]) -> Self {
        coefficients.dropFirst().reduce(coefficients[0]) { $1.addingProduct($0, x) }
    }
}

extension Float: ElementaryFloat {
    /// ln(1+f) = f + f²·(−½ + f·P(f)): no division.
    static func log(exponent e: Float, fraction f: Float) -> Float {
        let low = f.addingProduct(f * f, horner(f, elementary.log)).addingProduct(e, elementary.ln2Low)
        return low.addingProduct(e, elementary.ln2High)
    }
}

extension Double: ElementaryFloat {
    /// ln(1+f) = f − f²/2 + s·(f²/2 + z·R(z)), s = f/(2+f), z = s² (as in fdlibm).
    static func log(exponent e: Double, fraction f: Double) -> Double {
        let s = f / (2 + f)
        let z = s * s
        let halfSquare = 0.5 * f * f
        let correction = (s * halfSquare.addingProduct(z, horner(z, elementary.log))).addingProduct(e, elementary.ln2Low) - halfSquare
        return (f + correction).addingProduct(e, elementary.ln2High)
    }
}
