import CKernels
package import Kernels
import Synchronization
package import Wire

// Chains of element-wise operations, and their reductions, by our own kernels.
extension NativeGEMM {
    package func capability(for chain: ComputeChain) -> Capability? { Capability(arithmetic: chain.arithmetic) }

    package func run(_ chain: ComputeChain, x: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try chain.check(x: x, y: y)
        try turn.withLock { _ throws(Problem) in
            try control.step(0)
            if chain.dtype == .f64 { try run64(chain, x, y, control) } else { try run32(chain, x, y, control) }
            try control.step(1)
        }
    }

    private func run32(_ chain: ComputeChain, _ x: Tensor, _ y: Tensor, _ control: RunControl) throws(Problem) {
        guard chain.reduction == nil else {
            var panels = [Float](repeating: 0, count: (chain.count + Panels.length - 1) / Panels.length)
            try unsafe call(chain, x, control) { run, steps, reduction, x in
                unsafe adit_chain_f32(run, steps, Int32(steps.count), reduction, x.assumingMemoryBound(to: Float.self), Int64(chain.count), &panels)
            }
            return y.withMutableElements(as: UInt32.self) { $0[0] = UInt32(truncatingIfNeeded: chain.bits(joining: panels)) }
        }
        try unsafe y.buffer.withUnsafeMutableBytes { out throws(Problem) in
            guard let out = out.baseAddress else { return }
            try unsafe call(chain, x, control) { run, steps, reduction, x in
                unsafe adit_chain_f32(
                    run, steps, Int32(steps.count), reduction, x.assumingMemoryBound(to: Float.self), Int64(chain.count),
                    out.assumingMemoryBound(to: Float.self))
            }
        }
    }

    private func run64(_ chain: ComputeChain, _ x: Tensor, _ y: Tensor, _ control: RunControl) throws(Problem) {
        guard chain.reduction == nil else {
            var panels = [Double](repeating: 0, count: (chain.count + Panels.length - 1) / Panels.length)
            try unsafe call(chain, x, control) { run, steps, reduction, x in
                unsafe adit_chain_f64(run, steps, Int32(steps.count), reduction, x.assumingMemoryBound(to: Double.self), Int64(chain.count), &panels)
            }
            return y.withMutableElements(as: UInt64.self) { $0[0] = chain.bits(joining: panels) }
        }
        try unsafe y.buffer.withUnsafeMutableBytes { out throws(Problem) in
            guard let out = out.baseAddress else { return }
            try unsafe call(chain, x, control) { run, steps, reduction, x in
                unsafe adit_chain_f64(
                    run, steps, Int32(steps.count), reduction, x.assumingMemoryBound(to: Double.self), Int64(chain.count),
                    out.assumingMemoryBound(to: Double.self))
            }
        }
    }

    private func call(
        _ chain: ComputeChain, _ x: Tensor, _ control: RunControl,
        _ body: (UnsafePointer<adit_run>, [UInt8], Int32, UnsafeRawPointer) -> Int32
    ) throws(Problem) {
        let steps = chain.elementwise.map(\.code)
        let reduction = chain.reduction.map { Int32($0.code) } ?? Int32(ADIT_NO_REDUCTION)
        let kernels = KernelCall(instructionSet: instructionSet, threads: threads)
        try unsafe x.buffer.withUnsafeBytes { x throws(Problem) in
            guard let x = x.baseAddress else { return }
            try unsafe kernels.run(control, operations: chain.operations) { run in unsafe body(run, steps, reduction, x) }
        }
    }
}

private enum Panels {
    static let length = 256
}
