package import Kernels
package import Wire

/// The chains of `compute`: to the bit, where the device showed that it rounds as it should.
extension OpenCLBackend {
    package func capability(for chain: ComputeChain) -> Capability? {
        guard chainDTypes.contains(chain.dtype), ChainSource.program(chain) != nil else { return nil }
        return Capability(arithmetic: chain.arithmetic)
    }

    package func run(_ chain: ComputeChain, x: Tensor, operands: [Tensor], into y: Tensor, control: RunControl) throws(Problem) {
        try chain.check(x: x, operands: operands, y: y)
        guard capability(for: chain) != nil else { throw Problem(.unsupportedDtype, "\(name) does not run this chain") }
        try work { workplace throws(Problem) in try workplace.compute(chain, x, operands, into: y, control) }
    }
}

extension EngineChooser {
    /// What a device has to show first: correctly rounded roots and quotients, sums in their order, and fused functions.
    private static let chains: [[String]] = [
        ["sqrt", "reciprocal"], ["square", "sum"], ["exp", "log", "tanh", "erf", "sigmoid", "gelu", "gelu_tanh"],
    ]

    /// Whether chains in this format give the definition's bits here.
    ///
    /// - Throws: what the device throws.
    func keepsChains(_ dtype: DType, on workplace: inout Workplace) throws(Problem) -> Bool {
        guard dtype == .f64 || (device.description.keepsF32 && device.description.roundsF32Division) else { return false }
        for steps in Self.chains {
            let x = try RandomTensor(
                seed: SHA256.hash(utf8: "adit opencl chain"), descriptor: try TensorDescriptor(name: "x", dtype: dtype, shape: [1500])
            ).generate()
            let kernel = try ComputeKernel(params: ["operations": .array(steps.map { .string($0) })], inputs: [x.descriptor])
            let y = try Tensor(zeros: kernel.outputs[0])
            try workplace.compute(kernel.chain, x, into: y, .none)
            guard try kernel.reference([x]).map(\.root) == [y.root] else { return false }
        }
        return true
    }
}
