package import Wire

/// One matrix product C = op(A)·op(B), or a batch of equal ones: its shape, formats and arithmetic.
///
/// op(A) is m × k, op(B) k × n, C m × n; all row-major and packed, op is the identity or the transpose. With a `batch` the tensors
/// have a first dimension of that size, and element i of C is the product of elements i of A and B. Every dimension is in
/// 0...2^31−1, and all products of dimensions that anything here needs fit their types.
package struct GEMM: Sendable, Hashable {
    package let m: Int
    package let n: Int
    package let k: Int
    package let transposeA: Bool
    package let transposeB: Bool
    /// How many products; nil for one of matrices without a first dimension for it.
    package let batch: Int?
    package let arithmetic: Arithmetic
    /// 2·batch·m·n·k.
    package let operations: Int64

    /// The longest I8 sum whose exact value fits in I32: 131,071·(−128)² < 2^31.
    package static let longestI8 = 131_071

    /// - Throws: `too_long` for I8 with k > 131,071; `out_of_range` for a dimension or a product that is too large.
    package init(
        m: Int, n: Int, k: Int, transposeA: Bool = false, transposeB: Bool = false, batch: Int? = nil, arithmetic: Arithmetic
    ) throws(Problem) {
        for dimension in [m, n, k, batch ?? 1] where !(0...TensorDescriptor.maximumDimension).contains(dimension) {
            throw Problem(.outOfRange, "dimension \(dimension) is not in 0...\(TensorDescriptor.maximumDimension)")
        }
        if arithmetic == .i32Exact, k > Self.longestI8 {
            throw Problem(.tooLong, "k = \(k) is over \(Self.longestI8), where an exact I8 product may leave I32")
        }
        let cells = try Checked.product(try Checked.product(m, n, "m·n"), batch ?? 1, "batch·m·n")
        for (rows, columns) in [(m, k), (k, n)] {
            _ = try Checked.product(try Checked.product(rows, columns, "an operand's size"), batch ?? 1, "an operand's size")
        }
        // A multiply and an add for each of batch·m·n·k terms.
        let operations = try Checked.product(try Checked.product(cells, k, "batch·m·n·k"), 2, "2·batch·m·n·k")
        (self.m, self.n, self.k) = (m, n, k)
        (self.transposeA, self.transposeB) = (transposeA, transposeB)
        self.batch = batch
        self.arithmetic = arithmetic
        self.operations = Int64(operations)
    }

    /// The elements of A and B.
    package var inputDType: DType {
        switch arithmetic {
        case .i32Exact: .i8
        case .f32Panel256, .f32: .f32
        case .f64Panel256, .f64: .f64
        case .bf16F32: .bf16
        }
    }

    /// The elements of C.
    package var outputDType: DType {
        switch arithmetic {
        case .i32Exact: .i32
        case .f32Panel256, .f32, .bf16F32: .f32
        case .f64Panel256, .f64: .f64
        }
    }

    /// A's shape as stored.
    package var shapeA: [Int] { leading + (transposeA ? [k, m] : [m, k]) }
    /// B's shape as stored.
    package var shapeB: [Int] { leading + (transposeB ? [n, k] : [k, n]) }
    package var shapeC: [Int] { leading + [m, n] }

    private var leading: [Int] { batch.map { [$0] } ?? [] }

    /// How many products there are: 1 without a batch.
    package var count: Int { batch ?? 1 }

    /// One product of the batch, as if it stood alone.
    package var single: GEMM {
        GEMM(of: self)
    }

    private init(of batch: GEMM) {
        (m, n, k) = (batch.m, batch.n, batch.k)
        (transposeA, transposeB) = (batch.transposeA, batch.transposeB)
        arithmetic = batch.arithmetic
        self.batch = nil
        // No overflow: the whole batch's fits, but for a batch of 0.
        operations = batch.count > 0 ? batch.operations / Int64(batch.count) : 0
    }

    /// Throws `shape_mismatch` unless the tensors are this product's. Backends call it before they touch memory.
    package func check(a: Tensor, b: Tensor, c: Tensor) throws(Problem) {
        for (tensor, dtype, shape) in [(a, inputDType, shapeA), (b, inputDType, shapeB), (c, outputDType, shapeC)] {
            guard tensor.dtype == dtype, tensor.shape == shape else {
                throw Problem(.shapeMismatch, "tensor \(tensor.name) is \(tensor.dtype.rawValue) \(tensor.shape), the product needs \(dtype.rawValue) \(shape)")
            }
        }
    }
}
