package import Wire

/// The passes over a regression's data that its solver and its verifier are made of; sums in binary64, in any order.
///
/// `PlainRegression` is the definition. A backend needs nothing but a product of F64 matrices to have them; `NativeGEMM` has its own.
package protocol RegressionPass {
    /// Every row's residual at a point, and what is summed over them.
    ///
    /// - Parameters: x: F64 m × k. y: F64 m. weighs: whether a logistic row's p(1−p) is asked for.
    /// - Throws: `canceled`; `memory_limit`; `shape_mismatch` unless the tensors fit the point.
    func slope(at point: RegressionPoint, x: Tensor, y: Tensor, squares: Bool, weighs: Bool, control: RunControl) throws(Problem) -> RegressionSlope
}

/// A backend's part: besides, the matrix of second moments.
package protocol RegressionEngine: RegressionPass {
    /// Σ_i weight_i·z_i·z_iᵀ, z_i = (x_i, last_i) − centre: (k+1) × (k+1), row-major.
    ///
    /// - Parameters: x: F64 m × k. last: F64 m; nil for ones. centre: k + 1. weights: m; nil for ones.
    /// - Throws: as above.
    func gram(x: Tensor, last: Tensor?, centre: [Double], weights: [Double]?, control: RunControl) throws(Problem) -> [Double]
}

/// Where residuals are taken: r = 1, r = z − y, or r = σ(z) − y, with z = x·w + c.
package struct RegressionPoint: Sendable {
    /// The codes are the C kernels'.
    package enum Kind: Int32, Sendable { case ones, linear, logistic }

    package let kind: Kind
    package let w: [Double]
    package let intercept: Double
    /// Taken from every row where the gradient is summed.
    package let centre: [Double]

    /// - Parameter centre: nil for zeros.
    package init(_ kind: Kind, w: [Double], intercept: Double = 0, centre: [Double]? = nil) {
        (self.kind, self.w, self.intercept) = (kind, w, intercept)
        self.centre = centre ?? Array(repeating: 0, count: w.count)
    }

    /// Throws `shape_mismatch` unless the tensors fit. Passes call it before they touch memory.
    package func check(x: Tensor, y: Tensor) throws(Problem) {
        let k = w.count
        guard k > 0, centre.count == k, x.dtype == .f64, y.dtype == .f64, x.shape.count == 2, x.shape[1] == k, y.shape == [x.shape[0]] else {
            throw Problem(.shapeMismatch, "a regression's data \(x.shape), \(y.shape) don't fit \(k) coefficients")
        }
    }
}

/// Sums over all rows.
package struct RegressionSlope: Sendable {
    /// Σ r_i·(x_i − centre).
    package var gradient: [Double]
    /// Σ (x_i − centre)², or empty.
    package var squares: [Double]
    /// p(1−p) of each row, or empty.
    package var weights: [Double]
    package var residuals: Double
    /// Σ r², or Σ log(1 + e^z) − y·z.
    package var objective: Double
    /// The largest |r|; NaN if one is.
    package var largest: Double

    package init(gradient: [Double], squares: [Double], weights: [Double], residuals: Double, objective: Double, largest: Double) {
        (self.gradient, self.squares, self.weights) = (gradient, squares, weights)
        (self.residuals, self.objective, self.largest) = (residuals, objective, largest)
    }
}

/// How large a regression's data are, for what a backend can do.
package struct RegressionData: Sendable, Hashable {
    package let m: Int
    package let k: Int

    package init(m: Int, k: Int) { (self.m, self.k) = (m, k) }

    /// Zᵀ·Z of m rows with a last column.
    func product() throws(Problem) -> GEMM { try GEMM(m: k + 1, n: k + 1, k: m, transposeA: true, arithmetic: .f64Panel256) }
}

/// A backend without passes of its own multiplies for the moments, and sums by the definition.
extension ComputeBackend {
    package func capability(for data: RegressionData) -> Capability? {
        guard let gemm = try? data.product(), let product = capability(for: gemm) else { return nil }
        return Capability(arithmetic: .f64, operationsPerSecond: product.operationsPerSecond)
    }

    package func slope(
        at point: RegressionPoint, x: Tensor, y: Tensor, squares: Bool, weighs: Bool, control: RunControl
    ) throws(Problem) -> RegressionSlope {
        try PlainRegression().slope(at: point, x: x, y: y, squares: squares, weighs: weighs, control: control)
    }

    package func gram(x: Tensor, last: Tensor?, centre: [Double], weights: [Double]?, control: RunControl) throws(Problem) -> [Double] {
        let rows = try PlainRegression.rows(x, last, centre, weights)
        let gemm = try RegressionData(m: x.shape[0], k: x.shape[1]).product()
        let product = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: .f64, shape: gemm.shapeC))
        try run(gemm, a: rows, b: rows, into: product, control: control)
        return RegressionVerifier.numbers(product)
    }
}

/// Passes without a faster way use the definition.
extension VerifierPasses {
    package func slope(
        at point: RegressionPoint, x: Tensor, y: Tensor, squares: Bool, weighs: Bool, control: RunControl
    ) throws(Problem) -> RegressionSlope {
        try PlainRegression().slope(at: point, x: x, y: y, squares: squares, weighs: weighs, control: control)
    }
}
