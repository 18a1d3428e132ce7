import Wire

/// The class *optimality*: is the gradient zero at the answer, to what rounding leaves? The objectives are convex, so only their
/// minimum has that.
///
/// With residuals r = Xw + c − y (for a logistic model σ(Xw + c) − y) the gradient is g_j = x_j·r + λ·w_j, and Σr for the intercept. An
/// answer of a backward stable solver solves a problem whose columns and target differ by relative perturbations ε of rounding's size
/// (Higham, Accuracy and Stability of Numerical Algorithms, theorem 20.3); by Cauchy and Schwarz that leaves |g_j| ≤ ε·s_j with
/// s_j = ‖x_j‖·(Σ_l ‖x_l‖·|w_l| + √m·|c| + ‖y‖) + λ·|w_j|. Worst cases of ε grow with m; over sums whose roundings are independent it is about
/// (√m + k)·u with a small factor (Higham and Mary, SIAM J. Sci. Comput. 41(5), 2019): 64 is taken, and the measured margins are in
/// docs/VERIFICATION.md. Logistic residuals are below 1, so √m stands for ‖y‖ there.
///
/// It reads X once: norms, residuals and gradient are made in one pass.
struct RegressionVerifier {
    let plan: RegressionPlan
    let passes: any VerifierPasses

    /// ε.
    static func tolerance(_ plan: RegressionPlan) -> Double { 64 * (Double(plan.m).squareRoot() + Double(plan.unknowns)) * 0x1p-53 }

    static func figures(_ plan: RegressionPlan) -> VerificationClass {
        .optimality(OptimalityFigures(condition: plan.model == .linear ? "normal-equations" : "likelihood-equations", tolerance: tolerance(plan)))
    }

    /// s_j of each feature and, last, of the intercept where there is one.
    static func scales(_ plan: RegressionPlan, norms: [Double], w: [Double], intercept: Double, target: Double) -> [Double] {
        let root = Double(plan.m).squareRoot()
        let all = zip(norms, w).reduce(0) { $0 + $1.0 * $1.1.magnitude } + root * intercept.magnitude + (plan.model == .logistic ? root : target)
        let features = zip(norms, w).map { $0 * all + plan.ridge * $1.magnitude }
        return plan.intercept ? features + [root * all] : features
    }

    /// - Parameters: x: m × k. y: m. w: k coefficients and c, as committed.
    func verify(_ x: Tensor, _ y: Tensor, _ coefficients: Tensor, _ intercept: Tensor?) throws(Problem) -> VerificationReport {
        var effort = VerificationReport.Effort()
        let w = Self.numbers(coefficients)
        let c = intercept.map { Self.numbers($0)[0] } ?? 0
        func refuse(_ tensor: Tensor, _ index: Int, _ share: Double = .nan) -> VerificationReport {
            let finding = VerificationReport.Finding(rule: "the gradient over its tolerance", value: share, limit: 1)
            let refusal = VerificationReport.Refusal(output: tensor.name, cell: Cell(row: 0, column: index), finding: finding)
            return VerificationReport(Self.figures(plan), refusal: refusal, effort: effort)
        }
        if let bad = w.firstIndex(where: { !$0.isFinite }) { return refuse(coefficients, bad) }
        if let intercept, !c.isFinite { return refuse(intercept, 0) }

        let point = RegressionPoint(plan.model.residual, w: w, intercept: c)
        let slope = try passes.slope(at: point, x: x, y: y, squares: true, weighs: false, control: .none)
        guard slope.gradient.count == plan.k, slope.squares.count == plan.k else {
            throw Problem(.internalError, "a verifier pass gave \(slope.gradient.count) and \(slope.squares.count) sums, not \(plan.k)")
        }
        var gradient = slope.gradient
        for j in 0..<plan.k { gradient[j].addProduct(plan.ridge, w[j]) }
        if plan.intercept { gradient.append(slope.residuals) }
        let norms = slope.squares.map { $0.squareRoot() }
        let target = y.withElements(as: Double.self) { y in y.indices.reduce(0) { $0.addingProduct(y[$1], y[$1]) } }.squareRoot()
        let scales = Self.scales(plan, norms: norms, w: w, intercept: c, target: target)
        var worst = (share: 0.0, place: 0)
        for (place, (g, s)) in zip(gradient, scales).enumerated() {
            let share = g == 0 ? 0 : g.magnitude / (Self.tolerance(plan) * s)
            // Written so that a NaN is the worst.
            if !(share <= worst.share) { worst = (share.isNaN ? .infinity : share, place) }
        }
        effort.worstRatio = worst.share
        guard worst.share > 1 else { return VerificationReport(Self.figures(plan), refusal: nil, effort: effort) }
        if worst.place < plan.k { return refuse(coefficients, worst.place, worst.share) }
        return refuse(intercept ?? coefficients, 0, worst.share)
    }

    static func numbers(_ tensor: Tensor) -> [Double] { tensor.withElements(as: Double.self) { elements in elements.indices.map { elements[$0] } } }
}
