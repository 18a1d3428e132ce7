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
/// It reads X three times, by the passes of the products' probes: norms, Xw, Xᵀr.
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
    func verify(_ x: Tensor, _ y: [Double], _ coefficients: Tensor, _ intercept: Tensor?) throws(Problem) -> VerificationReport {
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

        let view = try MatrixView(x)
        let norms = try passes.columnNorms(view).sumsOfSquares.map { $0.squareRoot() }
        let predictions = try product(view, w)
        let residuals = zip(predictions, y).map { z, y in plan.model == .linear ? z + c - y : Double.sigmoid(z + c) - y }
        var gradient = try product(view.transposed, residuals)
        for j in 0..<plan.k { gradient[j].addProduct(plan.ridge, w[j]) }
        if plan.intercept { gradient.append(residuals.reduce(0, +)) }
        let target = y.reduce(0) { $0.addingProduct($1, $1) }.squareRoot()
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

    /// M·v, as the first of eight probes.
    private func product(_ matrix: MatrixView, _ v: [Double]) throws(Problem) -> [Double] {
        var x = [Double](repeating: 0, count: v.count * ColumnProbe.width)
        for (index, value) in v.enumerated() { x[index * ColumnProbe.width] = value }
        let y = try passes.probe(matrix, with: ColumnProbe(x: x, weights: Array(repeating: 1, count: v.count)), energies: false).y
        guard y.count == matrix.rows * ColumnProbe.width else { throw Problem(.internalError, "a verifier pass gave \(y.count) numbers") }
        return (0..<matrix.rows).map { y[$0 * ColumnProbe.width] }
    }

    static func numbers(_ tensor: Tensor) -> [Double] { tensor.withElements(as: Double.self) { elements in elements.indices.map { elements[$0] } } }
}
