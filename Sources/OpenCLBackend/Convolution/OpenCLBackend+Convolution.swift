package import Kernels
package import Wire

/// Convolutions: I8 exactly, F32 in the product's panels.
extension OpenCLBackend {
    package func capability(for convolution: Convolution) -> Capability? {
        convolutions[convolution.inputDType] == nil ? nil : Capability(arithmetic: convolution.arithmetic)
    }

    package func run(_ convolution: Convolution, x: Tensor, w: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try convolution.check(x: x, w: w, y: y)
        guard let engine = convolutions[convolution.inputDType] else {
            throw Problem(.unsupportedDtype, "\(name) does not run conv2d in \(convolution.arithmetic.rawValue)")
        }
        try work { workplace throws(Problem) in try workplace.convolve(convolution, x, w, into: y, engine, control) }
    }
}

extension Workplace {
    /// Y = X * W by an engine; tensors are checked.
    ///
    /// - Parameter engine: one with a kernel of our own.
    mutating func convolve(
        _ convolution: Convolution, _ x: Tensor, _ w: Tensor, into y: Tensor, _ engine: ChosenEngine, _ control: RunControl
    ) throws(Problem) {
        try control.step(0)
        let open = try open()
        let isDirect = convolution.hasThinGroups || (convolution.isPadded && !Self.isFinite(w))
        try ConvolutionRun(
            session: open.session, staging: open.staging, kernel: isDirect ? nil : engine.engine.kernel, convolution: convolution, control: control,
            operationsPerBlock: engine.operationsPerBlock
        ).run(x, w, into: y)
        try control.step(1)
    }

    private static func isFinite(_ w: Tensor) -> Bool {
        w.dtype != .f32 || w.withElements(as: Float.self) { w in w.indices.allSatisfy { w[$0].isFinite } }
    }
}

extension Convolution {
    /// A product's tile would be mostly padding.
    fileprivate var hasThinGroups: Bool { groupOutputs <= 4 || (groups > 1 && groupOutputs < 16) }
    fileprivate var isPadded: Bool { vertical.padding > 0 || horizontal.padding > 0 }
}

extension EngineChooser {
    /// Whether convolutions in this format are right here: in whole numbers, of which every order gives the same sum, once by a product and once directly.
    ///
    /// - Throws: what the device throws.
    func convolves(_ dtype: DType, _ engine: ChosenEngine, on workplace: inout Workplace) throws(Problem) -> Bool {
        // Past a tile of 128 positions, a depth of two panels; and depthwise.
        for (x, w, groups) in [([2, 60, 12, 13], [9, 60, 3, 3], 1), ([2, 5, 9, 11], [5, 1, 3, 2], 5)] {
            let windows = try Convolution.Windows(stride: 1, padding: 1, dilation: 2)
            let convolution = try Convolution(
                x: x, w: w, groups: groups, vertical: windows, horizontal: try Convolution.Windows(stride: 2, padding: 1),
                arithmetic: dtype == .i8 ? .i32Exact : .f32)
            let operands = [try whole("x", dtype, x, .i8), try whole("w", dtype, w, .i8)]
            let y = try Tensor(zeros: try TensorDescriptor(name: "y", dtype: convolution.outputDType, shape: convolution.shapeY))
            try workplace.convolve(convolution, operands[0], operands[1], into: y, engine, .none)
            let kernel = try Conv2DKernel(
                params: [
                    "stride": [1, 2], "padding": [1, 1], "dilation": [2, 1], "groups": .integer(Int64(groups)),
                ], inputs: operands.map(\.descriptor))
            guard try kernel.reference(operands).map(\.root) == [y.root] else { return false }
        }
        return true
    }

    /// Whole numbers of −8 … 7: sums of 540 of their products are below 2^16, exact in every format.
    private func whole(_ name: String, _ dtype: DType, _ shape: [Int], _ source: DType) throws(Problem) -> Tensor {
        let bytes = try RandomTensor(
            seed: SHA256.hash(utf8: "adit opencl convolution \(name)"), descriptor: try TensorDescriptor(name: name, dtype: source, shape: shape)
        ).generate()
        let tensor = try Tensor(zeros: try TensorDescriptor(name: name, dtype: dtype, shape: shape))
        bytes.withElements(as: Int8.self) { from in
            if dtype == .i8 {
                tensor.withMutableElements(as: Int8.self) { for i in $0.indices { $0[i] = from[i] >> 4 } }
            } else {
                tensor.withMutableElements(as: Float.self) { for i in $0.indices { $0[i] = Float(from[i] >> 4) } }
            }
        }
        return tensor
    }
}
