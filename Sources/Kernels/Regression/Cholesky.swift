/// The factor L of a symmetric positive definite matrix A = L·Lᵀ, whose diagonal was scaled to ones.
///
/// With a unit diagonal the square of pivot j is the share of column j that the earlier ones don't explain: what is left of the digits.
struct Cholesky {
    private let n: Int
    /// Row-major, the lower triangle.
    private var factor: [Double]
    /// The smallest squared pivot.
    let smallestPivot: Double

    /// - Parameter matrix: n × n, row-major, symmetric.
    /// - Returns: nil where a pivot is not positive.
    init?(_ matrix: [Double], n: Int) {
        var factor = matrix
        var smallest = Double.infinity
        for j in 0..<n {
            for i in j..<n {
                let sum = unsafe factor.withUnsafeRows(n, i, j) { unsafe Self.dot($0, $1, j) }
                factor[i * n + j] -= sum
            }
            let pivot = factor[j * n + j]
            guard pivot > 0, pivot < .infinity else { return nil }
            smallest = min(smallest, pivot)
            let root = pivot.squareRoot()
            for i in j..<n { factor[i * n + j] /= root }
        }
        (self.n, self.factor, smallestPivot) = (n, factor, smallest)
    }

    /// The solution of A·x = b.
    func solve(_ b: [Double]) -> [Double] {
        var x = b
        for i in 0..<n {
            for j in 0..<i { x[i] -= factor[i * n + j] * x[j] }
            x[i] /= factor[i * n + i]
        }
        for i in (0..<n).reversed() {
            for j in i + 1..<max(n, i + 1) { x[i] -= factor[j * n + i] * x[j] }
            x[i] /= factor[i * n + i]
        }
        return x
    }

    /// In four partial sums, which vector units take together.
    private static func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int) -> Double {
        var sums = SIMD4<Double>.zero
        var index = 0
        while index + 4 <= count {
            let (x, y) = unsafe (SIMD4(a[index], a[index + 1], a[index + 2], a[index + 3]), SIMD4(b[index], b[index + 1], b[index + 2], b[index + 3]))
            sums += x * y
            index += 4
        }
        var rest = sums.sum()
        while index < count {
            unsafe rest += a[index] * b[index]
            index += 1
        }
        return rest
    }
}

extension [Double] {
    /// Two rows of an n-column matrix, during the call only.
    fileprivate func withUnsafeRows<R>(_ n: Int, _ i: Int, _ j: Int, _ body: (UnsafePointer<Double>, UnsafePointer<Double>) -> R) -> R {
        precondition((Swift.max(i, j) + 1) * n <= count, "both rows are in the matrix")
        return unsafe withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("an empty matrix has no rows") }
            return unsafe body(base + i * n, base + j * n)
        }
    }
}
