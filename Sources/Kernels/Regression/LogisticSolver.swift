import Wire

/// Maximum likelihood by Newton's method, also called iteratively reweighted least squares.
///
/// Source: Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd edition, section 4.4.1. A step that doesn't lower the
/// objective is halved.
struct LogisticSolver {
    let plan: RegressionPlan
    let gram: (Tensor, Tensor) throws(Problem) -> Void

    /// - Parameters: x: m × k. y: m labels, 0 or 1. step: told of the share done.
    /// - Throws: `not_converged` where the gradient is not at rounding's level after all iterations, as with classes that a plane
    ///   separates: then no finite answer is the best; `singular_system`; `memory_limit`.
    func solve(_ x: Tensor, _ y: [Double], step: (Double) throws(Problem) -> Void) throws(Problem) -> (coefficients: [Double], intercept: Double) {
        let (m, n) = (plan.m, plan.unknowns)
        let design = try Self.design(x, plan)
        let weighted = try Tensor(zeros: try TensorDescriptor(name: "a", dtype: .f64, shape: [m, n]))
        let product = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: .f64, shape: [n, n]))
        var w = [Double](repeating: 0, count: n)
        var state = evaluate(design, y, w)
        for iteration in 0..<plan.iterations {
            try step(Double(iteration) / Double(plan.iterations))
            // Where every example is all but certain a plane separates the classes, and the likelihood grows for ever.
            if plan.ridge == 0, zip(state.probabilities, y).allSatisfy({ ($0 - $1).magnitude < 0x1p-20 }) {
                throw Problem(.notConverged, "a plane separates the classes: the likelihood has no maximum; give a ridge")
            }
            if isConverged(state, w) { return split(w) }
            weigh(design, state.probabilities, into: weighted)
            try gram(weighted, product)
            let direction = try self.direction(product, state.gradient)
            var length = 1.0
            var next = state
            var moved = w
            repeat {
                moved = zip(w, direction).map { $0 - length * $1 }
                next = evaluate(design, y, moved)
                length /= 2
                // At the bottom the objective's own rounding is larger than what is to be gained.
            } while !(next.objective <= state.objective + 0x1p-48 * state.objective.magnitude) && length > 0x1p-30
            (w, state) = (moved, next)
        }
        guard isConverged(state, w) else {
            throw Problem(
                .notConverged,
                "after \(plan.iterations) iterations the likelihood still grows: give more iterations, or a ridge if a plane separates the classes")
        }
        return split(w)
    }

    private struct State {
        var objective: Double
        var probabilities: [Double]
        var gradient: [Double]
        /// ‖x_j‖ and the terms' sizes, for the verifier's own condition.
        var scales: [Double]
    }

    /// The condition that the verifier will evaluate, with room for its own rounding.
    private func isConverged(_ state: State, _ w: [Double]) -> Bool {
        zip(state.gradient, state.scales).allSatisfy { $0.magnitude <= RegressionVerifier.tolerance(plan) / 4 * $1 }
    }

    private func evaluate(_ design: Tensor, _ y: [Double], _ w: [Double]) -> State {
        let n = plan.unknowns
        var gradient = [Double](repeating: 0, count: n)
        var squares = gradient
        var probabilities = [Double](repeating: 0, count: plan.m)
        var objective = 0.0
        design.withElements(as: Double.self) { elements in
            for i in 0..<plan.m {
                var z = 0.0
                for j in 0..<n { z += elements[i &* n &+ j] * w[j] }
                let p = Double.sigmoid(z)
                probabilities[i] = p
                objective += Double.softplus(z) - y[i] * z
                for j in 0..<n {
                    let value = elements[i &* n &+ j]
                    gradient[j] += value * (p - y[i])
                    squares[j] += value * value
                }
            }
        }
        for j in 0..<plan.k {
            gradient[j].addProduct(plan.ridge, w[j])
            objective += plan.ridge / 2 * w[j] * w[j]
        }
        let norms = squares.map { $0.squareRoot() }
        let scales = RegressionVerifier.scales(
            plan, norms: Array(norms.prefix(plan.k)), w: Array(w.prefix(plan.k)), intercept: plan.intercept ? w[plan.k] : 0, target: 0)
        return State(objective: objective, probabilities: probabilities, gradient: gradient, scales: scales)
    }

    /// √(p(1−p))·x_i for every row.
    private func weigh(_ design: Tensor, _ p: [Double], into weighted: Tensor) {
        let n = plan.unknowns
        design.withElements(as: Double.self) { from in
            weighted.withMutableElements(as: Double.self) { to in
                for i in 0..<plan.m {
                    let weight = (p[i] * (1 - p[i])).squareRoot()
                    for j in 0..<n { to[i &* n &+ j] = weight * from[i &* n &+ j] }
                }
            }
        }
    }

    private func direction(_ product: Tensor, _ gradient: [Double]) throws(Problem) -> [Double] {
        let n = plan.unknowns
        var system = product.withElements(as: Double.self) { elements in elements.indices.map { elements[$0] } }
        for j in 0..<plan.k { system[j * n + j] += plan.ridge }
        let scale = (0..<n).map { 1 / max(system[$0 * n + $0], .leastNormalMagnitude).squareRoot() }
        for i in 0..<n { for j in 0..<n { system[i * n + j] *= scale[i] * scale[j] } }
        guard let factor = Cholesky(system, n: n), factor.smallestPivot > 0x1p-46 else {
            throw Problem(.singularSystem, "the features depend on each other where the classes meet, or a plane separates the classes: give a ridge")
        }
        return zip(factor.solve(zip(gradient, scale).map { $0 * $1 }), scale).map { $0 * $1 }
    }

    private func split(_ w: [Double]) -> (coefficients: [Double], intercept: Double) { (Array(w.prefix(plan.k)), plan.intercept ? w[plan.k] : 0) }

    /// X with a column of ones where there is an intercept.
    private static func design(_ x: Tensor, _ plan: RegressionPlan) throws(Problem) -> Tensor {
        guard plan.intercept else { return x }
        let design = try Tensor(zeros: try TensorDescriptor(name: "a", dtype: .f64, shape: [plan.m, plan.unknowns]))
        x.withElements(as: Double.self) { from in
            design.withMutableElements(as: Double.self) { to in
                for i in 0..<plan.m {
                    for j in 0..<plan.k { to[i &* plan.unknowns &+ j] = from[i &* plan.k &+ j] }
                    to[i &* plan.unknowns &+ plan.k] = 1
                }
            }
        }
        return design
    }
}
