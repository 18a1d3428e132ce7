import CKernels
import Foundation
package import Kernels
import Synchronization
package import Wire

/// Matrix products by our own kernels on the CPU: every shape, every promise, no library needed.
///
/// I8 is exact, F32 and F64 are panel-256 to the bit, whatever the instruction set and the number of threads. BF16 is summed in pairs
/// where the processor has an instruction for it, so that its last bits differ between instruction sets.
package final class NativeGEMM: ComputeBackend {
    package let name = "native"
    package let instructionSet: InstructionSet
    private let team: ThreadLimit
    private let speeds: [Arithmetic: Double]
    /// One job at a time: two would share the caches and the cores, and both be late.
    let turn = Mutex(())

    /// - Parameters:
    ///   - threads: nil for all cores.
    ///   - instructionSet: nil for the fastest that passes its self-test.
    ///   - isMeasured: whether to find out the speeds, which takes a few tenths of a second.
    /// - Throws: `backend_unavailable` if the processor lacks the instruction set or computes wrongly with it.
    package init(threads: Int? = nil, instructionSet: InstructionSet? = nil, isMeasured: Bool = true) throws(Problem) {
        let chosen = try InstructionSet.usable(instructionSet)
        let count = max(1, threads ?? ProcessInfo.processInfo.activeProcessorCount)
        self.instructionSet = chosen
        team = ThreadLimit(count)
        speeds =
            isMeasured
            ? try SpeedTest.measure { gemm, a, b, c throws(Problem) in
                try Self.multiply(gemm, a, b, c, .none, KernelCall(instructionSet: chosen, threads: count))
            } : [:]
    }

    /// Of large products in reproducible F32; nil where nobody measured.
    var floatSpeed: Double? { speeds[.f32Panel256] }
    /// And in F64.
    var doubleSpeed: Double? { speeds[.f64Panel256] }

    package var device: String { "cpu \(instructionSet.name) (\(InstructionSet.cpuFeatures)), \(team.most) threads" }

    /// Threads that the next piece of work takes.
    package var threads: Int { team.count }

    package func useThreads(atMost threads: Int?) { team.limit(threads) }

    package func rest() { _ = turn.withLockIfAvailable { _ in adit_rest() } }

    package var roof: (any RoofSource)? { NativePeak(instructionSet: instructionSet, threads: threads) }

    package func capability(for gemm: GEMM) -> Capability? {
        Capability(arithmetic: gemm.arithmetic, operationsPerSecond: speeds[gemm.arithmetic.natively])
    }

    package func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        try gemm.check(a: a, b: b, c: c)
        try turn.withLock { _ throws(Problem) in
            try control.step(0)
            try Self.multiply(gemm, a, b, c, control, KernelCall(instructionSet: instructionSet, threads: threads))
            try control.step(1)
        }
    }

    /// Tensors are already checked against the product.
    private static func multiply(_ gemm: GEMM, _ a: Tensor, _ b: Tensor, _ c: Tensor, _ control: RunControl, _ call: KernelCall) throws(Problem) {
        try unsafe a.buffer.withUnsafeBytes { a throws(Problem) in
            try unsafe b.buffer.withUnsafeBytes { b throws(Problem) in
                try unsafe c.buffer.withUnsafeMutableBytes { c throws(Problem) in
                    try unsafe call.run(control, operations: gemm.operations) { run in unsafe multiply(gemm, a.baseAddress, b.baseAddress, c.baseAddress, run) }
                }
            }
        }
    }

    private static func multiply(
        _ gemm: GEMM, _ a: UnsafeRawPointer?, _ b: UnsafeRawPointer?, _ c: UnsafeMutableRawPointer?, _ run: UnsafePointer<adit_run>
    ) -> Int32 {
        guard let a = unsafe a, let b = unsafe b, let c = unsafe c else { return Int32(ADIT_BAD_ARGUMENT) }
        let (m, n, k) = (Int64(gemm.m), Int64(gemm.n), Int64(gemm.k))
        var batch = unsafe adit_batch(
            count: Int64(gemm.count), m: m, n: n, k: k, a: a, lda: gemm.transposeA ? m : k, next_a: m * k, transpose_a: gemm.transposeA,
            b: b, ldb: gemm.transposeB ? k : n, next_b: k * n, transpose_b: gemm.transposeB, c: c, ldc: n, next_c: m * n)
        return switch gemm.arithmetic.natively {
        case .i32Exact: unsafe adit_batch_i8(run, &batch)
        case .f32Panel256, .f32: unsafe adit_batch_f32(run, &batch)
        case .f64Panel256, .f64: unsafe adit_batch_f64(run, &batch)
        case .bf16F32: unsafe adit_batch_bf16(run, &batch)
        }
    }
}

extension Arithmetic {
    /// How these kernels do it: panel-256 is as fast as any order, so that free arithmetic gets it too.
    var natively: Arithmetic {
        switch self {
        case .f32: .f32Panel256
        case .f64: .f64Panel256
        case .i32Exact, .f32Panel256, .f64Panel256, .bf16F32: self
        }
    }
}
