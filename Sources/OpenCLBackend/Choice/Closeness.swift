import Kernels
import Wire

/// Whether a product in another order is one that rounding explains, judged by a kernel of the device's that gives the definition's bits.
enum Closeness {
    /// Both sums lie within k·u·Σ|a||b| of the exact one, in whatever order and whether fused or not (Higham, Accuracy and Stability,
    /// 3.1, to first order in k·u ≤ 521·2^−24): so they differ by 2·k·u·Σ|a||b| at most, and a little for the bound's own rounding.
    static func holds(
        _ gemm: GEMM, _ free: (Tensor, Tensor, Tensor) throws(Problem) -> Void, judge: (Tensor, Tensor, Tensor) throws(Problem) -> Void
    ) throws(Problem) -> Bool {
        let a = try KnownAnswers.operand("a", gemm, isSpread: false)
        let b = try KnownAnswers.operand("b", gemm, isSpread: false)
        let (found, expected, scale) = (try output(gemm), try output(gemm), try output(gemm))
        try free(a, b, found)
        try judge(a, b, expected)
        try judge(try magnitudes(a), try magnitudes(b), scale)
        return gemm.outputDType == .f64 ? compare(Double.self, gemm, found, expected, scale) : compare(Float.self, gemm, found, expected, scale)
    }

    private static func output(_ gemm: GEMM) throws(Problem) -> Tensor {
        try Tensor(zeros: try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC))
    }

    private static func magnitudes(_ tensor: Tensor) throws(Problem) -> Tensor {
        let copy = try Tensor(tensor.descriptor, try TensorBuffer(tensor.buffer.bytes))
        if tensor.dtype == .f64 {
            copy.withMutableElements(as: Double.self) { elements in for i in elements.indices { elements[i] = elements[i].magnitude } }
        } else {
            copy.withMutableElements(as: Float.self) { elements in for i in elements.indices { elements[i] = elements[i].magnitude } }
        }
        return copy
    }

    /// Written so that a NaN fails.
    private static func compare<T: BinaryFloatingPoint & BitwiseCopyable>(
        _ type: T.Type, _ gemm: GEMM, _ found: Tensor, _ expected: Tensor, _ scale: Tensor
    ) -> Bool {
        let factor = T(2.02) * T(gemm.k) * T.ulpOfOne / 2
        return found.withElements(as: type) { found in
            expected.withElements(as: type) { expected in
                scale.withElements(as: type) { scale in
                    found.indices.allSatisfy { (found[$0] - expected[$0]).magnitude <= factor * scale[$0] }
                }
            }
        }
    }
}
