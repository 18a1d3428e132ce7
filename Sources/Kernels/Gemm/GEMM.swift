package import Wire

/// One matrix product C = op(A)·op(B): its shape, formats and arithmetic.
///
/// op(A) is m × k, op(B) k × n, C m × n; all row-major and packed, op is the identity or the transpose. Every dimension is in
/// 0...2^31−1, and all products of dimensions that anything here needs fit their types.
package struct GEMM: Sendable, Hashable {
    package let m: Int
    package let n: Int
    package let k: Int
    package let transposeA: Bool
    package let transposeB: Bool
    package let arithmetic: Arithmetic
    /// 2·m·n·k.
    package let operations: Int64

    /// The longest I8 sum whose exact value fits in I32: 131,071·(−128)² < 2^31.
    package static let longestI8 = 131_071

    /// - Throws: `unsupported_dtype` for an arithmetic that nobody offers yet; `too_long` for I8 with k > 131,071;
    ///   `out_of_range` for a dimension or a product that is too large.
    package init(m: Int, n: Int, k: Int, transposeA: Bool = false, transposeB: Bool = false, arithmetic: Arithmetic) throws(Problem) {
        for dimension in [m, n, k] where !(0...TensorDescriptor.maximumDimension).contains(dimension) {
            throw Problem(.outOfRange, "dimension \(dimension) is not in 0...\(TensorDescriptor.maximumDimension)")
        }
        switch arithmetic {
        case .i32Exact:
            guard k <= Self.longestI8 else { throw Problem(.tooLong, "k = \(k) is over \(Self.longestI8), where an exact I8 product may leave I32") }
        case .f32Panel256, .f64Panel256: break
        case .f32, .f64, .bf16F32: throw Problem(.unsupportedDtype, "arithmetic \(arithmetic.rawValue) is not offered yet")
        }
        let cells = try Checked.product(m, n, "m·n")
        // A multiply and an add for each of m·n·k terms.
        let operations = try Checked.product(try Checked.product(cells, k, "m·n·k"), 2, "2·m·n·k")
        (self.m, self.n, self.k) = (m, n, k)
        (self.transposeA, self.transposeB) = (transposeA, transposeB)
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
    package var shapeA: [Int] { transposeA ? [k, m] : [m, k] }
    /// B's shape as stored.
    package var shapeB: [Int] { transposeB ? [n, k] : [k, n] }
    package var shapeC: [Int] { [m, n] }

    /// Throws `shape_mismatch` unless the tensors are this product's. Backends call it before they touch memory.
    package func check(a: Tensor, b: Tensor, c: Tensor) throws(Problem) {
        for (tensor, dtype, shape) in [(a, inputDType, shapeA), (b, inputDType, shapeB), (c, outputDType, shapeC)] {
            guard tensor.dtype == dtype, tensor.shape == shape else {
                throw Problem(.shapeMismatch, "tensor \(tensor.name) is \(tensor.dtype.rawValue) \(tensor.shape), the product needs \(dtype.rawValue) \(shape)")
            }
        }
    }
}
