import CXSMM
import Kernels
import Synchronization
import Wire

/// Code of libxsmm's for one shape. It stays while the library is open (`XSMMLibrary`).
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

    private enum Verdict {
        /// No code, or code that isn't right.
        case refused
        /// It is right. Made anew it is the same, since it hangs on the shape and the processor.
        case passed(SmallKernel, time: Int)
    }

    private let trial: ProductTrial
    private let verdicts = Mutex<[Shape: Verdict]>([:])

    init(judge: any ComputeBackend) { trial = ProductTrial(judge: judge) }

    /// Whether there is code that keeps the product's arithmetic, whatever its batch. A shape's first question takes a millisecond or so.
    func offers(_ gemm: GEMM) -> Bool {
        guard let shape = Self.shape(gemm) else { return false }
        return verdicts.withLock { verdicts in
            if case .refused = verdict(shape, gemm, &verdicts) { return false }
            return true
        }
    }

    /// Runs a body with the product's code.
    ///
    /// - Returns: false where there is none.
    func use(_ gemm: GEMM, _ body: (SmallKernel) throws(Problem) -> Void) throws(Problem) -> Bool {
        guard let shape = Self.shape(gemm) else { return false }
        return try XSMMLibrary.whileOpen { now throws(Problem) in
            guard let kernel = verdicts.withLock({ kernel(shape, gemm, &$0, now) }) else { return false }
            try body(kernel)
            return true
        }
    }

    private static func shape(_ gemm: GEMM) -> Shape? {
        let sizes = 1...largest
        guard sizes.contains(gemm.m), sizes.contains(gemm.n), sizes.contains(gemm.k), !gemm.transposeB else { return nil }
        guard gemm.inputDType == .f32 || gemm.inputDType == .f64 else { return nil }
        return Shape(m: gemm.m, n: gemm.n, k: gemm.k, transposeA: gemm.transposeA, arithmetic: gemm.arithmetic)
    }

    private func verdict(_ shape: Shape, _ gemm: GEMM, _ verdicts: inout [Shape: Verdict]) -> Verdict {
        if let known = verdicts[shape] { return known }
        guard verdicts.count < Self.limit else { return .refused }
        let verdict = XSMMLibrary.whileOpen { now in passing(gemm).map { Verdict.passed($0, time: now) } ?? .refused }
        verdicts[shape] = verdict
        return verdict
    }

    private func kernel(_ shape: Shape, _ gemm: GEMM, _ verdicts: inout [Shape: Verdict], _ now: Int) -> SmallKernel? {
        guard case .passed(let kernel, let time) = verdict(shape, gemm, &verdicts) else { return nil }
        if time == now { return kernel }
        guard let again = Self.make(gemm) else { return nil }
        verdicts[shape] = .passed(again, time: now)
        return again
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

    /// The library has to be open, for as long as the code is used.
    ///
    /// Row-major C = op(A)·B is column-major Cᵀ = Bᵀ·op(A)ᵀ: the operands change places, and what was A may be transposed.
    static func make(_ gemm: GEMM) -> SmallKernel? {
        // No dimension is over 64.
        let made = unsafe adit_xsmm_code(gemm.inputDType == .f64 ? 1 : 0, Int32(gemm.n), Int32(gemm.m), Int32(gemm.k), gemm.transposeA ? 1 : 0)
        guard let code = unsafe made, unsafe ExecutableMemory.holds(code) else { return nil }
        return unsafe SmallKernel(code: code)
    }
}
