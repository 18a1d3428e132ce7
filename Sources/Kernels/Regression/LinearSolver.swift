import Wire

/// Least squares: by Cholesky's factor of the normal equations, and by QR where they have lost too many digits.
///
/// With an intercept the columns are centred first, which takes it out of the system. Columns are scaled to norm 1, so that the features'
/// units don't matter.
struct LinearSolver {
    /// The normal equations have the square of the data's condition: below this squared pivot half of the digits are gone.
    static let smallestPivot = 0x1p-26

    let plan: RegressionPlan
    let engine: any RegressionEngine
    let control: RunControl

    /// - Parameters: x: m × k. y: m.
    /// - Throws: `singular_system`; `memory_limit`; what the engine throws.
    func solve(_ x: Tensor, _ y: Tensor) throws(Problem) -> (coefficients: [Double], intercept: Double) {
        let k = plan.k
        let (means, meanY) = try means(x, y)
        // The last column is y's: Xᵀy comes with XᵀX.
        let gram = try engine.gram(x: x, last: y, centre: means + [meanY], weights: nil, control: control.part(from: 0.1, 0.6))
        let norms = (0..<k).map { Self.norm(gram[$0 * (k + 1) + $0], mean: means[$0], examples: plan.m) }
        for (column, norm) in norms.enumerated() where !(norm > 0) && plan.ridge == 0 {
            throw Problem(.singularSystem, "feature \(column) is the same in every example: it has no coefficient of its own; give a ridge, or leave it out")
        }
        // Columns of norm 0 have λ alone.
        let scale = norms.map { 1 / ($0 * $0 + plan.ridge).squareRoot() }
        var system = [Double](repeating: 0, count: k * k)
        for i in 0..<k {
            for j in 0..<k { system[i * k + j] = (gram[i * (k + 1) + j] + (i == j ? plan.ridge : 0)) * scale[i] * scale[j] }
        }
        var solution: [Double]
        if let factor = Cholesky(system, n: k), factor.smallestPivot > Self.smallestPivot {
            solution = factor.solve((0..<k).map { gram[$0 * (k + 1) + k] * scale[$0] })
            // One step of refinement against the data itself takes out what the system's own rounding left.
            let w = zip(solution, scale).map { $0 * $1 }
            let residual = try gradient(x, y, w, means, meanY)
            let correction = factor.solve(zip(residual, scale).map { $0 * $1 })
            for j in 0..<k { solution[j] -= correction[j] }
        } else {
            solution = try reflected(x, y, means, meanY, scale)
        }
        let coefficients = zip(solution, scale).map { $0 * $1 }
        guard coefficients.allSatisfy(\.isFinite) else { throw Problem(.singularSystem, "the answer is beyond binary64's range; scale the features") }
        return (coefficients, plan.intercept ? meanY - Self.dot(coefficients, means) : 0)
    }

    private func means(_ x: Tensor, _ y: Tensor) throws(Problem) -> ([Double], Double) {
        let zeros = [Double](repeating: 0, count: plan.k)
        guard plan.intercept else { return (zeros, 0) }
        let sums = try engine.slope(at: RegressionPoint(.ones, w: zeros), x: x, y: y, squares: false, weighs: false, control: control.part(to: 0.1))
        let total = y.withElements(as: Double.self) { y in y.indices.reduce(0) { $0 + y[$1] } }
        return (sums.gradient.map { $0 / Double(plan.m) }, total / Double(plan.m))
    }

    /// Xᵀ(Xw − y) + λw of the centred data.
    private func gradient(_ x: Tensor, _ y: Tensor, _ w: [Double], _ means: [Double], _ meanY: Double) throws(Problem) -> [Double] {
        let point = RegressionPoint(.linear, w: w, intercept: meanY - Self.dot(w, means), centre: means)
        let slope = try engine.slope(at: point, x: x, y: y, squares: false, weighs: false, control: control.part(from: 0.7, 0.3))
        return zip(slope.gradient, w).map { $0.addingProduct(plan.ridge, $1) }
    }

    /// By QR, from a copy of the data by columns.
    private func reflected(_ x: Tensor, _ y: Tensor, _ means: [Double], _ meanY: Double, _ scale: [Double]) throws(Problem) -> [Double] {
        let k = plan.k
        var columns = x.withElements(as: Double.self) { x in (0..<k).map { j in (0..<plan.m).map { (x[$0 &* k &+ j] - means[j]) * scale[j] } } }
        var right = y.withElements(as: Double.self) { y in y.indices.map { y[$0] - meanY } }
        if plan.ridge > 0 {
            // min ‖Xw − y‖² + λ‖w‖² is least squares with the rows √λ·I below.
            for j in 0..<k { columns[j] += (0..<k).map { $0 == j ? plan.ridge.squareRoot() * scale[j] : 0 } }
            right += Array(repeating: 0, count: k)
        }
        guard let found = HouseholderQR.solve(columns, right) else {
            throw Problem(
                .singularSystem, "the \(k) features of \(plan.m) examples depend on each other: there is no unique answer; give a ridge, or leave some out")
        }
        return found
    }

    /// What centring leaves of a constant column is the mean's rounding: nothing.
    private static func norm(_ square: Double, mean: Double, examples: Int) -> Double {
        let noise = 0x1p-50 * mean.magnitude * Double(examples).squareRoot()
        return square.squareRoot() > noise ? square.squareRoot() : 0
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0.addingProduct($1.0, $1.1) } }
}
