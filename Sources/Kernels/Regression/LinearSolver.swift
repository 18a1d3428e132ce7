import Wire

/// Least squares: by Cholesky's factor of the normal equations, and by QR where they have lost too many digits.
///
/// With an intercept the columns are centred first, which takes it out of the system. Columns are scaled to norm 1, so that the features'
/// units don't matter.
struct LinearSolver {
    /// The normal equations have the square of the data's condition: below this squared pivot half of the digits are gone.
    static let smallestPivot = 0x1p-26

    let plan: RegressionPlan
    let gram: (Tensor, Tensor) throws(Problem) -> Void

    /// - Parameters: x: m × k. y: m.
    /// - Throws: `singular_system`; `memory_limit`; what `gram` throws.
    func solve(_ x: Tensor, _ y: [Double]) throws(Problem) -> (coefficients: [Double], intercept: Double) {
        let (m, k) = (plan.m, plan.k)
        let design = try Design(x, y, plan)
        for (column, norm) in design.norms.enumerated() where !(norm > 0) && plan.ridge == 0 {
            throw Problem(.singularSystem, "feature \(column) is the same in every example: it has no coefficient of its own; give a ridge, or leave it out")
        }
        let product = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: .f64, shape: [k, k]))
        try gram(design.matrix, product)
        var system = product.withElements(as: Double.self) { elements in elements.indices.map { elements[$0] } }
        // Columns of norm 0 have λ alone.
        let scale = design.norms.map { 1 / ($0 * $0 + plan.ridge).squareRoot() }
        for i in 0..<k {
            system[i * k + i] += plan.ridge
            for j in 0..<k { system[i * k + j] *= scale[i] * scale[j] }
        }
        var solution: [Double]
        if let factor = Cholesky(system, n: k), factor.smallestPivot > Self.smallestPivot {
            let right = zip(design.products, scale).map { $0 * $1 }
            solution = factor.solve(right)
            // One step of refinement against the data itself takes out what the system's own rounding left.
            let residual = design.gradient(zip(solution, scale).map { $0 * $1 }, plan.ridge)
            let correction = factor.solve(zip(residual, scale).map { $0 * $1 })
            for j in 0..<k { solution[j] -= correction[j] }
        } else {
            var columns = (0..<k).map { design.column($0, scale[$0]) }
            var right = design.target
            if plan.ridge > 0 {
                // min ‖Xw − y‖² + λ‖w‖² is least squares with the rows √λ·I below.
                for j in 0..<k { columns[j] += (0..<k).map { $0 == j ? plan.ridge.squareRoot() * scale[j] : 0 } }
                right += Array(repeating: 0, count: k)
            }
            guard let found = HouseholderQR.solve(columns, right) else {
                throw Problem(
                    .singularSystem, "the \(k) features of \(m) examples depend on each other: there is no unique answer; give a ridge, or leave some out")
            }
            solution = found
        }
        let coefficients = zip(solution, scale).map { $0 * $1 }
        guard coefficients.allSatisfy(\.isFinite) else { throw Problem(.singularSystem, "the answer is beyond binary64's range; scale the features") }
        return (coefficients, plan.intercept ? design.meanY - zip(coefficients, design.means).reduce(0) { $0.addingProduct($1.0, $1.1) } : 0)
    }
}

/// The data of a fit: centred where there is an intercept, and what is known of its columns.
struct Design {
    /// m × k, row-major.
    let matrix: Tensor
    /// y, centred alike.
    let target: [Double]
    let means: [Double]
    let meanY: Double
    /// ‖x_j‖, of the centred columns.
    let norms: [Double]
    /// Xᵀy, of the centred ones.
    let products: [Double]
    private let k: Int

    init(_ x: Tensor, _ y: [Double], _ plan: RegressionPlan) throws(Problem) {
        let (m, k) = (plan.m, plan.k)
        var means = [Double](repeating: 0, count: k)
        var meanY = 0.0
        if plan.intercept {
            x.withElements(as: Double.self) { elements in
                for i in 0..<m { for j in 0..<k { means[j] += elements[i &* k &+ j] } }
            }
            for j in 0..<k { means[j] /= Double(m) }
            meanY = y.reduce(0, +) / Double(m)
        }
        let matrix = try Tensor(zeros: try TensorDescriptor(name: "a", dtype: .f64, shape: [m, k]))
        let target = y.map { $0 - meanY }
        var squares = [Double](repeating: 0, count: k)
        var products = squares
        x.withElements(as: Double.self) { from in
            matrix.withMutableElements(as: Double.self) { to in
                for i in 0..<m {
                    for j in 0..<k {
                        let value = from[i &* k &+ j] - means[j]
                        to[i &* k &+ j] = value
                        squares[j] += value * value
                        products[j] += value * target[i]
                    }
                }
            }
        }
        // What centring leaves of a constant column is the mean's rounding: nothing.
        norms = zip(squares, means).map { square, mean in
            let noise = 0x1p-50 * mean.magnitude * Double(m).squareRoot()
            return square.squareRoot() > noise ? square.squareRoot() : 0
        }
        (self.matrix, self.target, self.means, self.meanY) = (matrix, target, means, meanY)
        (self.products, self.k) = (products, k)
    }

    func column(_ j: Int, _ scale: Double) -> [Double] {
        matrix.withElements(as: Double.self) { elements in (0..<target.count).map { elements[$0 &* k &+ j] * scale } }
    }

    /// Xᵀ(Xw − y) + λw.
    func gradient(_ w: [Double], _ ridge: Double) -> [Double] {
        var gradient = w.map { $0 * ridge }
        matrix.withElements(as: Double.self) { elements in
            for i in 0..<target.count {
                var residual = -target[i]
                for j in 0..<k { residual += elements[i &* k &+ j] * w[j] }
                for j in 0..<k { gradient[j] += elements[i &* k &+ j] * residual }
            }
        }
        return gradient
    }
}
