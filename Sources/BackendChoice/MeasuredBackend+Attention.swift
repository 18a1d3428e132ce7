package import Kernels
package import Wire

extension MeasuredBackend {
    package func capability(for attention: Attention) -> Capability? { capability(Self.work(attention)) { $0.capability(for: attention) } }

    package func run(_ attention: Attention, q: Tensor, k: Tensor, v: Tensor, into o: Tensor, control: RunControl) throws(Problem) {
        try run(Self.work(attention), operations: attention.operations, control) {
            $0.capability(for: attention)
        } _: { member, control throws(Problem) in
            try member.run(attention, q: q, k: k, v: v, into: o, control: control)
        }
    }

    private static func work(_ attention: Attention) -> WorkClass {
        WorkClass(
            "attention", attention.arithmetic, sizes: [attention.headCount, attention.queries, attention.keys, attention.dimension],
            switches: [attention.isCausal])
    }
}
