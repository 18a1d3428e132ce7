import CKernels
package import Kernels
import Synchronization
package import Wire

// Attention by our own tiled kernels: the scores of a few queries and keys at a time, an online softmax, no scores kept.
extension NativeGEMM {
    package func capability(for attention: Attention) -> Capability? { Capability(arithmetic: attention.arithmetic) }

    package func run(_ attention: Attention, q: Tensor, k: Tensor, v: Tensor, into o: Tensor, control: RunControl) throws(Problem) {
        try attention.check(q: q, k: k, v: v, o: o)
        try turn.withLock { _ throws(Problem) in
            try control.step(0)
            if o.descriptor.elementCount > 0 { try Self.attend(attention, q, k, v, o, control, KernelCall(instructionSet: instructionSet, threads: threads)) }
            try control.step(1)
        }
    }

    private static func attend(
        _ attention: Attention, _ q: Tensor, _ k: Tensor, _ v: Tensor, _ o: Tensor, _ control: RunControl, _ call: KernelCall
    ) throws(Problem) {
        var shape = attention.shape
        try unsafe attention.withOperands(q, k, v) { q, k, v throws(Problem) in
            try unsafe o.buffer.withUnsafeMutableBytes { o throws(Problem) in
                guard let o = unsafe o.baseAddress?.assumingMemoryBound(to: Float.self) else { return }
                try unsafe call.run(control, operations: attention.operations) { run in
                    attention.inputDType == .bf16
                        ? unsafe adit_attention_bf16(
                            run, &shape, q.assumingMemoryBound(to: UInt16.self), k.assumingMemoryBound(to: UInt16.self),
                            v.assumingMemoryBound(to: UInt16.self), o)
                        : unsafe adit_attention_f32(
                            run, &shape, q.assumingMemoryBound(to: Float.self), k.assumingMemoryBound(to: Float.self),
                            v.assumingMemoryBound(to: Float.self), o)
                }
            }
        }
    }
}

extension Attention {
    /// As the C kernels see it.
    var shape: adit_attention {
        adit_attention(heads: Int64(headCount), queries: Int64(queries), keys: Int64(keys), d: Int64(dimension), scale: scale, causal: isCausal)
    }

    /// The operands' bytes, during the call only. Empty ones have nothing to compute.
    func withOperands<R>(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, _ body: (UnsafeRawPointer, UnsafeRawPointer, UnsafeRawPointer) throws(Problem) -> R
    ) throws(Problem) -> R {
        try unsafe q.buffer.withUnsafeBytes { q throws(Problem) in
            try unsafe k.buffer.withUnsafeBytes { k throws(Problem) in
                try unsafe v.buffer.withUnsafeBytes { v throws(Problem) in
                    guard let q = q.baseAddress, let k = k.baseAddress, let v = v.baseAddress else {
                        throw Problem(.internalError, "attention without memory")
                    }
                    return try unsafe body(q, k, v)
                }
            }
        }
    }
}
