package import Wire

/// Every kernel this build knows, by the `type` of a job's spec.
package enum KernelRegistry {
    /// One line per kernel.
    private static let kernels: [any Kernel.Type] = [
        GEMMKernel.self,
        ComputeKernel.self,
        AttentionKernel.self,
        RegressionKernel.self,
        MLPForwardKernel.self,
        MLPTrainKernel.self,
        Conv2DKernel.self,
        SoftmaxKernel.self,
        LayerNormKernel.self,
        ReduceKernel.self,
    ]

    package static var names: [String] { kernels.map { $0.name } }

    /// The kernel for a spec, with everything checked that can be without the inputs' bytes.
    ///
    /// - Throws: `unknown_kernel`, or what the kernel's own `init` throws.
    package static func kernel(_ name: String, params: JSON, inputs: [TensorDescriptor]) throws(Problem) -> any Kernel {
        guard let kernel = kernels.first(where: { $0.name == name }) else { throw Problem(.unknownKernel, "no kernel \"\(name.prefix(64))\"") }
        return try kernel.init(params: params, inputs: inputs)
    }
}
