package import Wire

// Chains where nobody has a faster way: what the ports say by themselves.

extension ComputeBackend {
    package func capability(for chain: ComputeChain) -> Capability? { nil }

    package func run(_ chain: ComputeChain, x: Tensor, operands: [Tensor], into y: Tensor, control: RunControl) throws(Problem) {
        throw Problem(.unsupportedDtype, "\(name) does not run compute")
    }

    /// A chain that takes nothing but x.
    package func run(_ chain: ComputeChain, x: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try run(chain, x: x, operands: [], into: y, control: control)
    }
}

/// The definition, which passes without a faster way use.
extension VerifierPasses {
    package func firstWrong(_ chain: ComputeChain, x: Tensor, operands: [Tensor], y: Tensor) throws(Problem) -> Int? {
        try chain.check(x: x, operands: operands, y: y)
        var wrong: Int?
        func compare<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) {
            y.withElements(as: type) { elements in
                chain.bits(x, operands) { index, bits in
                    if UInt64(elements[index]) != bits { wrong = index }
                    return wrong == nil
                }
            }
        }
        if chain.dtype == .f64 { compare(UInt64.self) } else { compare(UInt32.self) }
        return wrong
    }
}
