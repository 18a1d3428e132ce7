package import Kernels
package import Wire

/// Works that are measured with the work itself: two functions for each kind.
extension MeasuredBackend {
    package func capability(for chain: ComputeChain) -> Capability? { capability(Self.work(chain)) { $0.capability(for: chain) } }

    package func run(_ chain: ComputeChain, x: Tensor, operands: [Tensor], into y: Tensor, control: RunControl) throws(Problem) {
        try run(Self.work(chain), operations: chain.operations, control) {
            $0.capability(for: chain)
        } _: { member, control throws(Problem) in
            try member.run(chain, x: x, operands: operands, into: y, control: control)
        }
    }

    private static func work(_ chain: ComputeChain) -> WorkClass {
        WorkClass("compute", chain.arithmetic, sizes: [chain.count], switches: [chain.reduction != nil])
    }
}
