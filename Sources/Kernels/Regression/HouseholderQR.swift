/// Least squares by reflections: min ‖A·x − b‖ without squaring A's condition.
///
/// Source: Golub and Van Loan, Matrix Computations, 4th edition, algorithms 5.1.1 and 5.3.2. Columns are worked on one after the other as
/// they lie in memory, so A is held by columns.
struct HouseholderQR {
    /// Columns whose share that the earlier ones don't explain is smaller than this are taken for dependent: of binary64's 53 bits
    /// twelve are left to them.
    static let smallestPivot = 0x1p-40

    /// - Parameters: columns: n columns of m numbers, each of norm 1 or so. b: m numbers.
    /// - Returns: nil where the columns are dependent, or there are more of them than rows.
    static func solve(_ columns: consuming [[Double]], _ b: consuming [Double]) -> [Double]? {
        let (n, m) = (columns.count, b.count)
        guard n <= m else { return nil }
        var diagonal: [Double] = []
        for j in 0..<n {
            let length = columns[j][j...].reduce(0) { $0 + $1 * $1 }.squareRoot()
            guard length > smallestPivot, length < .infinity else { return nil }
            // The reflection that turns the column's rest into ∓length·e_j, chosen against cancellation.
            let head = columns[j][j]
            let alpha = head > 0 ? -length : length
            diagonal.append(alpha)
            columns[j][j] = head - alpha
            let scale = 1 / (length * (length + head.magnitude))
            let reflector = columns[j]
            for other in j + 1..<max(n, j + 1) { reflect(&columns[other], reflector, from: j, scale) }
            reflect(&b, reflector, from: j, scale)
        }
        var x = [Double](repeating: 0, count: n)
        for j in (0..<n).reversed() {
            var sum = b[j]
            for other in j + 1..<max(n, j + 1) { sum -= columns[other][j] * x[other] }
            x[j] = sum / diagonal[j]
        }
        return x
    }

    /// v −= scale·(u·v)·u on the places from `start` on.
    private static func reflect(_ v: inout [Double], _ u: [Double], from start: Int, _ scale: Double) {
        var dot = 0.0
        for i in start..<v.count { dot += u[i] * v[i] }
        let factor = -scale * dot
        for i in start..<v.count { v[i] += factor * u[i] }
    }
}
