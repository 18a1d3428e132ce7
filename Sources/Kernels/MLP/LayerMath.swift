/// binary32's exp, log, tanh, erf and gelu as fixed polynomials: the operations of `elementary.h`, one by one.
enum LayerMath {
    static let nan = Float(bitPattern: 0x7fc0_0000)

    private static func expm1Reduced(_ x: Float) -> (q: Float, n: Float) {
        let magic: Float = 0x1.8p23
        let n = magic.addingProduct(x, 0x1.715476p+0) - magic
        let r = x.addingProduct(-n, 0x1.62e430p-1).addingProduct(-n, -0x1.05c610p-29)
        let q = horner(r, [0x1.6a234ep-10, 0x1.123a6cp-7, 0x1.5558f4p-5, 0x1.555490p-3, 0x1.fffffcp-2])
        return (r.addingProduct(r * r, q), n)
    }

    private static func horner(_ x: Float, _ coefficients: [Float]) -> Float {
        coefficients.dropFirst().reduce(coefficients[0]) { $1.addingProduct($0, x) }
    }

    private static func powerOfTwo(_ n: Float) -> Float { Float(bitPattern: ((n + 0x1.8p23).bitPattern << 23) &+ 0x3f80_0000) }

    static func exp(_ x: Float) -> Float {
        let high = x < 89 ? x : 89
        let (q, n) = expm1Reduced(high > -105 ? high : -105)
        let half = (n * 0.5 + 0x1.8p23) - 0x1.8p23
        return x.isNaN ? nan : (q + 1) * powerOfTwo(half) * powerOfTwo(n - half)
    }

    static func log(_ x: Float) -> Float {
        guard x > 0 else { return x == 0 ? -.infinity : nan }
        guard x < .infinity else { return .infinity }
        let isSmall = x < 0x1p-126
        let shifted = (isSmall ? x * 0x1p23 : x).bitPattern &- 0x3f35_04f3
        let e = Float(Int32(bitPattern: shifted) >> 23) - (isSmall ? 23 : 0)
        let f = Float(bitPattern: (shifted & 0x7f_ffff) &+ 0x3f35_04f3) - 1
        let p = horner(
            f,
            [
                0x1.1457a4p-4, -0x1.de3c12p-4, 0x1.e6f06ap-4, -0x1.fc2208p-4, 0x1.233768p-3, -0x1.555c4ep-3, 0x1.99a4b6p-3, -0x1.000006p-2,
                0x1.555548p-2, -0.5,
            ])
        return f.addingProduct(f * f, p).addingProduct(e, -0x1.05c610p-29).addingProduct(e, 0x1.62e430p-1)
    }

    static func tanh(_ x: Float) -> Float {
        guard !x.isNaN else { return nan }
        let a = x.magnitude < 10 ? x.magnitude : 10
        let (q, n) = expm1Reduced(a + a)
        let power = powerOfTwo(n)
        let m = (power - 1).addingProduct(power, q)
        return Float(signOf: x, magnitudeOf: m / (m + 2))
    }

    static func erf(_ x: Float) -> Float {
        guard !x.isNaN else { return nan }
        let a: Float = x.magnitude < 3.95 ? x.magnitude : 3.95
        guard !(a < 0.92) else {
            let p = horner(
                a * a, [0x1.5cd4b2p-14, -0x1.aa3f30p-11, 0x1.54c7f6p-8, -0x1.b80e90p-6, 0x1.ce2e0ap-4, -0x1.812742p-2, 0x1.06eba8p-3])
            return Float(signOf: x, magnitudeOf: a.addingProduct(a, p))
        }
        let l = horner(
            a,
            [
                0x1.61ea2cp-16, -0x1.c790eap-12, 0x1.115ac0p-8, -0x1.9b8e78p-6, 0x1.bb83e2p-4, 0x1.44460cp-1, 0x1.2127e4p+0, -0x1.6e5650p-13,
            ])
        let (q, n) = expm1Reduced(-l)
        let power = powerOfTwo(n)
        return Float(signOf: x, magnitudeOf: 1 - power.addingProduct(power, q))
    }

    static func gelu(_ x: Float) -> Float {
        guard !x.isNaN else { return nan }
        let weight = 1 + erf(x * 0x1.6a09e6p-1)
        return weight == 0 ? 0 : 0.5 * x * weight
    }
}
