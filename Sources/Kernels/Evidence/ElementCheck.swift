package import Wire

/// Is one element of a matrix product wrong, for certain? The pure rule behind evidence (PROTOCOL section 9, "Audit").
///
/// Nothing here is probabilistic: an element of the exact and of the reproducible arithmetics is computed again to the bit; one of the
/// free arithmetics is wrong only where no order of summation at all could have given it.
package enum ElementCheck {
    package enum Verdict: Sendable, Equatable {
        case right
        /// The bits that the definition gives, or in free arithmetic the exact sum rounded, and those that were found; hex.
        case wrong(expected: String, found: String)
    }

    /// - Parameters:
    ///   - row: op(A)'s row, k elements of `gemm.inputDType`, little-endian.
    ///   - column: op(B)'s column, likewise.
    ///   - element: C's element, of `gemm.outputDType`.
    /// - Throws: `shape_mismatch` unless the bytes are that many.
    package static func verdict(_ gemm: GEMM, row: [UInt8], column: [UInt8], element: [UInt8]) throws(Problem) -> Verdict {
        // As a product of a 1 × k and a k × 1 matrix, by the same definition as every other.
        let single = try GEMM(m: 1, n: 1, k: gemm.k, arithmetic: gemm.arithmetic)
        let a = try MatrixView(try tensor("a", gemm.inputDType, [1, gemm.k], row))
        let b = try MatrixView(try tensor("b", gemm.inputDType, [gemm.k, 1], column))
        let c = try MatrixView(try tensor("c", gemm.outputDType, [1, 1], element))
        let found = c.bits(0, 0)
        let expected: UInt64
        switch gemm.arithmetic {
        case .i32Exact, .f32Panel256, .f64Panel256:
            expected = ReferenceProduct.bits(single, a, b, Cell(row: 0, column: 0))
            guard expected != found else { return .right }
        case .f32, .bf16F32, .f64:
            let sum = FreeSum(a, b, count: gemm.k)
            let value = gemm.outputDType == .f64 ? Double(bitPattern: found) : Double(Float(bitPattern: UInt32(truncatingIfNeeded: found)))
            guard sum.excludes(value, gemm.arithmetic) else { return .right }
            expected = gemm.outputDType == .f64 ? sum.value.bitPattern : UInt64(Float(sum.value).bitPattern)
        }
        return .wrong(expected: hex(expected, gemm.outputDType), found: hex(found, gemm.outputDType))
    }

    private static func tensor(_ name: String, _ dtype: DType, _ shape: [Int], _ bytes: [UInt8]) throws(Problem) -> Tensor {
        try Tensor(try TensorDescriptor(name: name, dtype: dtype, shape: shape), try TensorBuffer(bytes))
    }

    private static func hex(_ bits: UInt64, _ dtype: DType) -> String {
        let digits = String(bits, radix: 16)
        return String(repeating: "0", count: max(0, 2 * dtype.byteCount - digits.count)) + digits
    }
}

/// Σ a·b and Σ |a·b| of one element, to about twice binary64's precision.
///
/// Ogita, Rump and Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26(6), 2005, algorithm 5.3 (Dot2): the error is below
/// 2^−53·|Σ| + k²·2^−106·Σ|a·b|.
struct FreeSum {
    let value: Double
    private let magnitude: Double
    private let count: Int
    private let isFinite: Bool

    /// `a` is 1 × count, `b` count × 1, both F32, both F64 or both BF16.
    init(_ a: MatrixView, _ b: MatrixView, count: Int) {
        var (high, low, magnitude) = (0.0, 0.0, 0.0)
        for index in 0..<count {
            let (x, y) = (a.number(0, index), b.number(index, 0))
            let product = x * y
            let productError = (-product).addingProduct(x, y)
            let sum = high + product
            let part = sum - high
            let sumError = (high - (sum - part)) + (product - part)
            high = sum
            low += sumError + productError
            magnitude += product.magnitude
        }
        value = high + low
        self.magnitude = magnitude
        self.count = count
        isFinite = value.isFinite && magnitude.isFinite
    }

    /// Whether no order of summation with roundings of the arithmetic's unit gives `found`.
    ///
    /// Any order of k terms, each operation rounded to nearest or truncated (unit 2u), errs by at most γ·Σ|a·b| with γ slightly over
    /// k·u or 2·k·u (Higham, Accuracy and Stability, section 3.1); the protocol's bound is 2·k·u·Σ|a·b|. To it comes what underflow
    /// can add, a half of the smallest subnormal a product or, for BF16, whose instructions flush, the smallest normal number an
    /// operation, and for F64 this sum's own error. Where sums can overflow or inputs are not finite nothing is said.
    func excludes(_ found: Double, _ arithmetic: Arithmetic) -> Bool {
        let (unit, underflow, largest): (Double, Double, Double) =
            switch arithmetic {
            case .f64: (0x1p-53, 0x1p-1074, 0x1p1023)
            case .bf16F32: (0x1p-24, 0x1p-125, 0x1p127)
            default: (0x1p-24, 0x1p-149, 0x1p127)
            }
        guard isFinite, magnitude < largest else { return false }
        let terms = Double(max(count, 1))
        let own = 0x1p-52 * value.magnitude + terms * terms * 0x1p-105 * magnitude
        let bound = 2 * terms * unit * magnitude + terms * underflow + own
        // Written so that a NaN is wrong: finite inputs whose sums can't overflow give none.
        return !((found - value).magnitude <= bound)
    }
}

extension MatrixView {
    /// An element of F32, F64 or BF16 in binary64, exactly.
    func number(_ row: Int, _ column: Int) -> Double {
        switch dtype {
        case .f64: tensor.withElements(as: Double.self) { $0[index(row, column)] }
        case .f32: Double(tensor.withElements(as: Float.self) { $0[index(row, column)] })
        default: Double(Float(bitPattern: UInt32(tensor.withElements(as: UInt16.self) { $0[index(row, column)] }) << 16))
        }
    }
}
