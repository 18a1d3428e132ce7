import Wire

/// Maximum likelihood by Newton's method, also called iteratively reweighted least squares.
///
/// Source: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd edition, section 4.4.1. A step that doesn't lower the
/// objective is halved.
struct LogisticSolver {
    let plan: RegressionPlan
    let engine: any RegressionEngine
    let control: RunControl

    /// - Parameters: x: m × k. y: m labels, 0 or 1.
    /// - Throws: `not_converged` where the gradient is not at rounding's level after all iterations, as with classes that a plane
    ///   separates: then no finite answer is the best; `singular_system`; `memory_limit`; what the engine throws.
    func solve(_ x: Tensor, _ y: Tensor) throws(Problem) -> (coefficients: [Double], intercept: Double) {
        var w = [Double](repeating: 0, count: plan.unknowns)
        var first = try slope(x, y, w, squares: true)
        let norms = first.squares.map { $0.squareRoot() }
        var state = state(&first, w)
        // The objective is a sum of m positive numbers, each good to some units in the last place, whose roundings are independent.
        let noise = 4 * (Double(plan.m).squareRoot() + 16) * 0x1p-53
        for iteration in 0..<plan.iterations {
            try control.step(Double(iteration) / Double(plan.iterations))
            // Where every example is all but certain a plane separates the classes, and the likelihood grows for ever.
            if plan.ridge == 0, state.largest < 0x1p-20 {
                throw Problem(.notConverged, "a plane separates the classes: the likelihood has no maximum; give a ridge")
            }
            if isConverged(state, w, norms) { return split(w) }
            let centre = [Double](repeating: 0, count: plan.k + 1)
            let gram = try engine.gram(x: x, last: nil, centre: centre, weights: state.weights, control: control.silent)
            let direction = try self.direction(gram, state.gradient)
            var length = 1.0
            var next = state
            var moved = w
            repeat {
                moved = zip(w, direction).map { $0 - length * $1 }
                next = try evaluate(x, y, moved)
                length /= 2
                // At the bottom the objective's own rounding is larger than what is to be gained.
            } while !(next.objective <= state.objective + noise * state.objective.magnitude) && length > 0x1p-30
            (w, state) = (moved, next)
        }
        guard isConverged(state, w, norms) else {
            throw Problem(
                .notConverged,
                "after \(plan.iterations) iterations the likelihood still grows: give more iterations, or a ridge if a plane separates the classes")
        }
        return split(w)
    }

    private struct State {
        var objective: Double
        var weights: [Double]
        var gradient: [Double]
        /// The largest |p − y|.
        var largest: Double
    }

    /// The condition that the verifier will evaluate, with room for its own rounding.
    private func isConverged(_ state: State, _ w: [Double], _ norms: [Double]) -> Bool {
        let (coefficients, intercept) = split(w)
        let scales = RegressionVerifier.scales(plan, norms: norms, w: coefficients, intercept: intercept, target: 0)
        return zip(state.gradient, scales).allSatisfy { $0.magnitude <= RegressionVerifier.tolerance(plan) / 4 * $1 }
    }

    private func slope(_ x: Tensor, _ y: Tensor, _ w: [Double], squares: Bool) throws(Problem) -> RegressionSlope {
        let (coefficients, intercept) = split(w)
        let point = RegressionPoint(.logistic, w: coefficients, intercept: intercept)
        return try engine.slope(at: point, x: x, y: y, squares: squares, weighs: true, control: control.silent)
    }

    private func evaluate(_ x: Tensor, _ y: Tensor, _ w: [Double]) throws(Problem) -> State {
        var slope = try slope(x, y, w, squares: false)
        return state(&slope, w)
    }

    /// With the penalty's part.
    private func state(_ slope: inout RegressionSlope, _ w: [Double]) -> State {
        for j in 0..<plan.k {
            slope.gradient[j].addProduct(plan.ridge, w[j])
            slope.objective += plan.ridge / 2 * w[j] * w[j]
        }
        let gradient = plan.intercept ? slope.gradient + [slope.residuals] : slope.gradient
        return State(objective: slope.objective, weights: slope.weights, gradient: gradient, largest: slope.largest)
    }

    /// - Parameter gram: XᵀWX with a last column of ones, which is left out where there is no intercept.
    private func direction(_ gram: [Double], _ gradient: [Double]) throws(Problem) -> [Double] {
        let (n, stride) = (plan.unknowns, plan.k + 1)
        let diagonal = (0..<n).map { gram[$0 * stride + $0] + ($0 < plan.k ? plan.ridge : 0) }
        let scale = diagonal.map { 1 / max($0, .leastNormalMagnitude).squareRoot() }
        var system = [Double](repeating: 0, count: n * n)
        for i in 0..<n { for j in 0..<n { system[i * n + j] = (i == j ? diagonal[i] : gram[i * stride + j]) * scale[i] * scale[j] } }
        guard let factor = Cholesky(system, n: n), factor.smallestPivot > 0x1p-46 else {
            throw Problem(.singularSystem, "the features depend on each other where the classes meet, or a plane separates the classes: give a ridge")
        }
        return zip(factor.solve(zip(gradient, scale).map { $0 * $1 }), scale).map { $0 * $1 }
    }

    private func split(_ w: [Double]) -> (coefficients: [Double], intercept: Double) { (Array(w.prefix(plan.k)), plan.intercept ? w[plan.k] : 0) }
}
