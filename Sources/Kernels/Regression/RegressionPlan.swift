import Wire

/// A regression, to the last detail but the data.
package struct RegressionPlan: Sendable, Hashable {
    package enum Model: String, CaseIterable, Sendable, Hashable {
        /// Least squares: the w and c that minimise ‖Xw + c − y‖² + λ‖w‖².
        case linear
        /// Maximum likelihood for labels 0 and 1: the minimum of Σ log(1 + e^z) − y·z + (λ/2)·‖w‖², z = Xw + c.
        case logistic

        /// What a row's residual is.
        var residual: RegressionPoint.Kind { self == .linear ? .linear : .logistic }
    }

    package let model: Model
    /// Examples, and features of each; both at least 1.
    package let m: Int
    package let k: Int
    /// λ, at least 0; it doesn't touch the intercept.
    package let ridge: Double
    package let intercept: Bool
    /// Newton steps at most; 1 for least squares, which take none.
    package let iterations: Int
    /// (2·m·k² + ⌈k³/3⌉)·iterations.
    package let operations: Int64

    package static let mostIterations = 1000
    /// A system of so many unknowns still fits: k² numbers of 8 bytes are 512 MiB.
    package static let mostFeatures = 8192

    /// Reads `model` (`"linear"`), `ridge` (`"0"`), `intercept` (true), and for a logistic model `iterations` (25).
    ///
    /// - Throws: `bad_params`, `wrong_type`, `shape_mismatch`, `out_of_range`.
    init(reading fields: inout JSONFields, m: Int, k: Int) throws(Problem) {
        let name = try fields.optionalString("model", maxBytes: 32) ?? Model.linear.rawValue
        guard let model = Model(rawValue: name) else { throw Problem(.badParams, "no model \"\(name)\"; there are linear and logistic") }
        ridge = try RealText.read("ridge", &fields, in: 0...1e300, default: 0)
        intercept = try fields.optionalBool("intercept") ?? true
        let given = try fields.optionalInteger("iterations", in: 1...Int64(Self.mostIterations))
        guard model == .logistic || given == nil else { throw Problem(.badParams, "least squares take no iterations") }
        iterations = model == .logistic ? Int(given ?? 25) : 1
        guard m > 0, k > 0 else { throw Problem(.shapeMismatch, "x has \(m) examples of \(k) features: there is nothing to fit") }
        guard k <= Self.mostFeatures else { throw Problem(.outOfRange, "x has \(k) features, up to \(Self.mostFeatures) are taken") }
        let square = try Checked.product(k, k, "k²")
        let products = try Checked.product(try Checked.product(m, square, "m·k²"), 2, "2·m·k²")
        let cube = try Checked.product(square, k, "k³")
        let step = try Checked.sum(products, cube / 3 + (cube % 3 == 0 ? 0 : 1), "the operations")
        operations = Int64(try Checked.product(step, iterations, "the operations"))
        (self.model, self.m, self.k) = (model, m, k)
    }

    /// Columns of the system: the intercept is one of ones.
    var unknowns: Int { k + (intercept ? 1 : 0) }
}
