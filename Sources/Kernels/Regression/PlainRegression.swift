package import Wire

/// A regression's passes by the definition, in plain Swift: what everything else is compared with.
package struct PlainRegression: RegressionEngine {
    package init() {}

    package func slope(
        at point: RegressionPoint, x: Tensor, y: Tensor, squares: Bool, weighs: Bool, control: RunControl
    ) throws(Problem) -> RegressionSlope {
        try point.check(x: x, y: y)
        let (m, k) = (x.shape[0], x.shape[1])
        let zeros = [Double](repeating: 0, count: k)
        var found = RegressionSlope(
            gradient: zeros, squares: squares ? zeros : [], weights: weighs ? Array(repeating: 0, count: m) : [], residuals: 0, objective: 0, largest: 0)
        x.withElements(as: Double.self) { x in
            y.withElements(as: Double.self) { y in
                for i in 0..<m {
                    let r: Double
                    switch point.kind {
                    case .ones: r = 1
                    case .linear:
                        r = Self.dot(x, i &* k, point.w) + point.intercept - y[i]
                        found.objective += r * r
                    case .logistic:
                        let z = Self.dot(x, i &* k, point.w) + point.intercept
                        let p = Double.sigmoid(z)
                        if weighs { found.weights[i] = p * (1 - p) }
                        found.objective += Double.softplus(z) - y[i] * z
                        r = p - y[i]
                    }
                    found.residuals += r
                    found.largest = found.largest.isNaN || r.magnitude <= found.largest ? found.largest : r.magnitude
                    for j in 0..<k {
                        let value = x[i &* k &+ j] - point.centre[j]
                        found.gradient[j] += value * r
                        if squares { found.squares[j] += value * value }
                    }
                }
            }
        }
        return found
    }

    private static func dot(_ x: Span<Double>, _ start: Int, _ w: [Double]) -> Double {
        var sum = 0.0
        for j in w.indices { sum += x[start &+ j] * w[j] }
        return sum
    }

    package func gram(x: Tensor, last: Tensor?, centre: [Double], weights: [Double]?, control: RunControl) throws(Problem) -> [Double] {
        let rows = try Self.rows(x, last, centre, weights)
        let (m, n) = (rows.shape[0], rows.shape[1])
        var gram = [Double](repeating: 0, count: n * n)
        rows.withElements(as: Double.self) { z in
            for i in 0..<m { for a in 0..<n { for b in a..<n { gram[a &* n &+ b] += z[i &* n &+ a] * z[i &* n &+ b] } } }
        }
        for a in 0..<n { for b in 0..<a { gram[a * n + b] = gram[b * n + a] } }
        return gram
    }

    /// √weight_i·((x_i, last_i) − centre), m × (k+1).
    ///
    /// - Throws: `shape_mismatch` unless everything fits; `memory_limit`.
    static func rows(_ x: Tensor, _ last: Tensor?, _ centre: [Double], _ weights: [Double]?) throws(Problem) -> Tensor {
        try check(x, last, centre, weights)
        let (m, k) = (x.shape[0], x.shape[1])
        let rows = try Tensor(zeros: try TensorDescriptor(name: "z", dtype: .f64, shape: [m, k + 1]))
        let ends = last.map { RegressionVerifier.numbers($0) }
        x.withElements(as: Double.self) { x in
            rows.withMutableElements(as: Double.self) { z in
                for i in 0..<m {
                    let factor = weights.map { $0[i].squareRoot() } ?? 1
                    for j in 0..<k { z[i &* (k &+ 1) &+ j] = (x[i &* k &+ j] - centre[j]) * factor }
                    z[i &* (k &+ 1) &+ k] = ((ends?[i] ?? 1) - centre[k]) * factor
                }
            }
        }
        return rows
    }

    /// Throws `shape_mismatch` unless the moments' operands fit.
    package static func check(_ x: Tensor, _ last: Tensor?, _ centre: [Double], _ weights: [Double]?) throws(Problem) {
        guard x.dtype == .f64, x.shape.count == 2, x.shape[1] > 0, centre.count == x.shape[1] + 1, weights.map({ $0.count == x.shape[0] }) ?? true,
            last.map({ $0.dtype == .f64 && $0.shape == [x.shape[0]] }) ?? true
        else { throw Problem(.shapeMismatch, "a regression's data \(x.shape) don't fit \(centre.count) means") }
    }
}
