import CXSMM
import Kernels
import Synchronization
import Wire

/// Code of libxsmm's for one shape. It stays as long as the process.
///
/// `@unchecked Sendable`: code isn't written after it is made, and may run on any number of threads.
@safe struct SmallKernel: @unchecked Sendable {
    let code: UnsafeRawPointer
}

/// The shapes met so far, and their code where its trial was passed.
///
/// The library's code differs from shape to shape: with AVX-512, 9 in 100 random ones sum in another order than panel-256's (k ≤ 64 is one
/// panel: one chain of fused multiply-adds). A trial by shape, not by class, tells them apart.
final class SmallKernels: Sendable {
    /// The largest m, n and k: beyond, packed products are faster than any library's code without packing.
    static let largest = 64
    /// Each shape takes some 10 kB of code, and jobs choose shapes; more than a machine meets. Further ones aren't offered.
    static let limit = 1024
    /// So many cells are compared with the judge's, so that small shapes don't pass by luck.
    private static let cells = 128

    private struct Shape: Hashable {
        let m: Int, n: Int, k: Int
        let transposeA: Bool
        let arithmetic: Arithmetic
    }

    private let trial: ProductTrial
    private let tried = Mutex<[Shape: SmallKernel?]>([:])

    init(judge: any ComputeBackend) { trial = ProductTrial(judge: judge) }

    /// Code that keeps the product's arithmetic, whatever its batch; nil if there is none. A shape's first call takes a millisecond or so.
    func kernel(for gemm: GEMM) -> SmallKernel? {
        let sizes = 1...Self.largest
        guard sizes.contains(gemm.m), sizes.contains(gemm.n), sizes.contains(gemm.k), !gemm.transposeB else { return nil }
        guard gemm.inputDType == .f32 || gemm.inputDType == .f64 else { return nil }
        let shape = Shape(m: gemm.m, n: gemm.n, k: gemm.k, transposeA: gemm.transposeA, arithmetic: gemm.arithmetic)
        return tried.withLock { tried in
            if let known = tried[shape] { return known }
            guard tried.count < Self.limit else { return nil }
            let kernel = passing(gemm)
            tried[shape] = .some(kernel)
            return kernel
        }
    }

    private func passing(_ gemm: GEMM) -> SmallKernel? {
        guard let kernel = Self.make(gemm) else { return nil }
        let batch = (Self.cells + gemm.m * gemm.n - 1) / (gemm.m * gemm.n)
        let shape = ProductTrial.Shape(gemm.m, gemm.n, gemm.k, batch: batch)
        let isRight = trial.passes(gemm.arithmetic, [shape], transposes: [(gemm.transposeA, false)]) { gemm, a, b, c throws(Problem) in
            try SmallProducts.run(kernel, gemm, a, b, into: c, threads: 1, .none)
        }
        return isRight ? kernel : nil
    }

    /// Row-major C = op(A)·B is column-major Cᵀ = Bᵀ·op(A)ᵀ: the operands change places, and what was A may be transposed.
    static func make(_ gemm: GEMM) -> SmallKernel? {
        // No dimension is over 64.
        let made = unsafe adit_xsmm_code(gemm.inputDType == .f64 ? 1 : 0, Int32(gemm.n), Int32(gemm.m), Int32(gemm.k), gemm.transposeA ? 1 : 0)
        guard let code = unsafe made, unsafe ExecutableMemory.holds(code) else { return nil }
        return unsafe SmallKernel(code: code)
    }
}
