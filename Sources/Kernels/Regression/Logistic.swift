/// The logistic function in binary64, from basic operations alone: the same on every machine.
enum Logistic {
    /// 1/(1 + e^−z), to a few units in the last place.
    static func sigmoid(_ z: Double) -> Double {
        let small = exponential(-z.magnitude)
        return z >= 0 ? 1 / (1 + small) : small / (1 + small)
    }

    /// log(1 + e^z) without overflow.
    static func softplus(_ z: Double) -> Double { max(z, 0) + Elementary.log(.init(repeating: 1 + exponential(-z.magnitude)))[0] }

    /// e^x for x ≤ 0; 0 below −745, NaN for NaN.
    ///
    /// x = n·ln 2 + r with |r| ≤ ln 2 / 2; the Taylor series of e^r is cut where the next term is < 2^−57.
    static func exponential(_ x: Double) -> Double {
        guard x > -745 else { return x.isNaN ? x : 0 }
        let n = (x * 1.442_695_040_888_963_4).rounded()
        // ln 2 in two parts, the first with so few digits that n times it is exact.
        let r = (x - n * 0.693_147_180_369_123_8).addingProduct(-n, 1.908_214_929_270_587_7e-10)
        var sum = 1.0
        for term in (1...14).reversed() { sum = 1 + sum * r / Double(term) }
        return Double(sign: .plus, exponent: Int(n), significand: sum)
    }
}
