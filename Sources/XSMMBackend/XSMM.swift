import CXSMM
import Foundation
package import Kernels
package import Wire

/// Small products on the CPU by libxsmm, which makes machine code for each shape: F32 and F64 with m, n, k up to 64, one by one or in batches.
///
/// Every shape's code is tried before it is offered (`SmallKernels`): free arithmetic where known answers come out right, panel-256 where
/// the bits are the definition's, as most shapes' are.
package final class XSMM: ComputeBackend {
    package let name = "xsmm"
    private let team: ThreadLimit
    /// What code is made for, as the library names it, such as `cpx`.
    package let architecture: String
    private let kernels: SmallKernels

    /// Wakes the library and tries it; some milliseconds.
    ///
    /// - Parameters:
    ///   - threads: nil for all cores.
    ///   - judge: a backend that keeps every promise, whose bits the library's are compared with.
    /// - Throws: `backend_unavailable` where its code isn't right, or this process may not run code that it makes.
    package init(threads: Int? = nil, judge: any ComputeBackend) throws(Problem) {
        architecture = XSMMLibrary.whileOpen { _ in unsafe libxsmm_get_target_arch().map { unsafe String(cString: $0) } ?? "unknown" }
        team = ThreadLimit(threads ?? ProcessInfo.processInfo.activeProcessorCount)
        kernels = SmallKernels(judge: judge)
        for arithmetic in [Arithmetic.f32, .f64] {
            for (m, n, k) in [(1, 1, 1), (5, 7, 3), (16, 16, 16), (33, 47, 64), (64, 64, 61)] {
                guard kernels.offers(try GEMM(m: m, n: n, k: k, arithmetic: arithmetic)) else {
                    throw Problem(.backendUnavailable, "libxsmm \(LIBXSMM_CONFIG_VERSION) makes no code for \(architecture) that runs and is right here")
                }
            }
        }
    }

    package var device: String { "cpu libxsmm \(LIBXSMM_CONFIG_VERSION) \(architecture), \(team.most) threads" }

    /// Threads that the next piece of work takes.
    package var threads: Int { team.count }

    package func useThreads(atMost threads: Int?) { team.limit(threads) }

    package func rest() { XSMMLibrary.close() }

    package func capability(for gemm: GEMM) -> Capability? { kernels.offers(gemm) ? Capability(arithmetic: gemm.arithmetic) : nil }

    package func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        try gemm.check(a: a, b: b, c: c)
        try control.step(0)
        let isDone = try kernels.use(gemm) { kernel throws(Problem) in try SmallProducts.run(kernel, gemm, a, b, into: c, threads: threads, control) }
        guard isDone else { throw Problem(.unsupportedDtype, "libxsmm doesn't keep \(gemm.arithmetic.rawValue) at \(gemm.m) x \(gemm.n) x \(gemm.k)") }
        try control.step(1)
    }
}
