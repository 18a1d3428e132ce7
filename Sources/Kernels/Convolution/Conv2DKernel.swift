package import Wire

/// `conv2d`: a convolution of images `x` with weights `w`, output `y`.
///
/// Parameters, all optional: `stride`, `padding`, `dilation` (a list of two: vertical, horizontal; 1, 0, 1), `groups` (1), `activation`
/// (`"none"`). I8 gives I32, exactly; F32 is free: sums in any order. Where a group has fewer than 32 outputs the output is recomputed. With an
/// input `bias`, one number for each output channel, or an activation, the convolution before them is a second output, `product`.
package struct Conv2DKernel: Kernel {
    package static let name = "conv2d"

    package let convolution: Convolution
    /// What follows the convolution; nil if nothing does.
    package let epilogue: Epilogue?
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        var fields = try JSONFields(params, "params")
        let stride = try Self.pair(&fields, "stride", 1)
        let padding = try Self.pair(&fields, "padding", 0)
        let dilation = try Self.pair(&fields, "dilation", 1)
        let groups = Int(try fields.optionalInteger("groups", in: 1...Int64(TensorDescriptor.maximumDimension)) ?? 1)
        let activation = try Activation(&fields)
        try fields.finish()
        let (x, w) = (try Self.input("x", of: inputs), try Self.input("w", of: inputs))
        let bias = inputs.first { $0.name == "bias" }
        guard inputs.count == (bias == nil ? 2 : 3) else { throw Problem(.badParams, "conv2d has inputs x, w and perhaps bias, not \(inputs.count)") }
        let arithmetic: Arithmetic
        switch (x.dtype, w.dtype) {
        case (.i8, .i8): arithmetic = .i32Exact
        case (.f32, .f32): arithmetic = .f32
        default: throw Problem(.unsupportedDtype, "conv2d takes I8 with I8 or F32 with F32, not \(x.dtype.rawValue) with \(w.dtype.rawValue)")
        }
        convolution = try Convolution(
            x: x.shape, w: w.shape, groups: groups,
            vertical: try Convolution.Windows(stride: stride.0, padding: padding.0, dilation: dilation.0),
            horizontal: try Convolution.Windows(stride: stride.1, padding: padding.1, dilation: dilation.1), arithmetic: arithmetic)
        let dtype = convolution.outputDType
        if let bias {
            guard bias.dtype == dtype, bias.shape == [convolution.outputs] else {
                throw Problem(.shapeMismatch, "the bias is \(bias.dtype.rawValue) \(bias.shape), not \(dtype.rawValue) [\(convolution.outputs)]")
            }
        }
        epilogue =
            bias == nil && activation == .none
            ? nil
            : try Epilogue(
                activation: activation, hasBias: bias != nil, dtype: dtype, rows: convolution.batch, columns: convolution.outputs,
                plane: convolution.positions)
        self.inputs = [x, w] + (bias.map { [$0] } ?? [])
        var outputs: [TensorDescriptor] = []
        for name in epilogue == nil ? ["y"] : ["y", "product"] { outputs.append(try TensorDescriptor(name: name, dtype: dtype, shape: convolution.shapeY)) }
        self.outputs = outputs
    }

    /// Two integers, vertical and horizontal.
    private static func pair(_ fields: inout JSONFields, _ key: String, _ standard: Int) throws(Problem) -> (Int, Int) {
        guard fields.optional(key) != nil else { return (standard, standard) }
        var numbers: [Int] = []
        for element in try fields.array(key, maxCount: 2) {
            guard case .integer(let number) = element else { throw Problem(.notAnInteger, "\(key) holds something that is not an integer") }
            guard (0...Int64(TensorDescriptor.maximumDimension)).contains(number) else { throw Problem(.outOfRange, "\(key) \(number) is not in 0...2^31−1") }
            numbers.append(Int(number))
        }
        guard numbers.count == 2 else { throw Problem(.badParams, "\(key) is a list of two: vertical and horizontal") }
        return (numbers[0], numbers[1])
    }

    private static func input(_ name: String, of inputs: [TensorDescriptor]) throws(Problem) -> TensorDescriptor {
        guard let input = inputs.first(where: { $0.name == name }) else { throw Problem(.missingField, "conv2d has no input \"\(name)\"") }
        return input
    }

    package var intermediates: [String] { epilogue == nil ? [] : ["product"] }
    package var arithmetic: Arithmetic { convolution.arithmetic }
    package var operations: Int64 { convolution.operations }

    private var isRecomputed: Bool { convolution.groupOutputs < Convolution.fewestProbed }

    package var verification: VerificationClass {
        if isRecomputed { return .recomputed }
        return arithmetic == .i32Exact ? ConvolutionFreivalds.standard : ConvolutionProbes.standard(convolution)
    }

    /// Twice the work where it is repeated.
    package var priceUnits: Int64 {
        guard isRecomputed else { return computeUnits }
        let (double, overflow) = computeUnits.multipliedReportingOverflow(by: 2)
        return overflow ? Int64.max : double
    }

    package var verifierBytes: Int {
        if isRecomputed { return RecomputedConvolution.scratchBytes(convolution) }
        return arithmetic == .i32Exact ? ConvolutionFreivalds.scratchBytes(convolution) : ConvolutionProbes.scratchBytes(convolution)
    }

    /// The convolution's, from a backend that can do what follows it too.
    package func capability(on backend: any ComputeBackend) -> Capability? {
        if let epilogue, backend.capability(for: epilogue) == nil { return nil }
        return backend.capability(for: convolution)
    }

    package func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem) {
        guard arithmetic == .f32 else { return }
        let (x, w) = (inputs.first { $0.descriptor == self.inputs[0] }, inputs.first { $0.descriptor == self.inputs[1] })
        try NonFiniteConvolution(convolution, x: x, w: w).admit()
    }

    package func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem) {
        let (x, w) = (try tensor(self.inputs[0], in: inputs), try tensor(self.inputs[1], in: inputs))
        let y = try tensor(self.outputs[0], in: outputs)
        guard let epilogue else { return try backend.run(convolution, x: x, w: w, into: y, control: control) }
        let product = try tensor(self.outputs[1], in: outputs)
        try backend.run(convolution, x: x, w: w, into: product, control: control.part(to: 0.95))
        try backend.run(epilogue, product: product, bias: try bias(inputs), into: y, control: control.part(from: 0.95))
    }

    package func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor] {
        let product = try Tensor(zeros: outputs[epilogue == nil ? 0 : 1])
        ReferenceConvolution(convolution: convolution, x: try tensor(self.inputs[0], in: inputs), w: try tensor(self.inputs[1], in: inputs)).fill(product)
        guard let epilogue else { return [product] }
        let y = try Tensor(zeros: outputs[0])
        epilogue.fill(y, product: product, bias: try bias(inputs))
        return [y, product]
    }

    /// The convolution by its class; what follows it element by element, every bit.
    package func verify(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        let (x, w) = (try tensor(self.inputs[0], in: inputs), try tensor(self.inputs[1], in: inputs))
        let product = try tensor(self.outputs[epilogue == nil ? 0 : 1], in: outputs)
        let report = try verify(x, w, product, challenge, passes)
        guard let epilogue, report.isAccepted else { return report }
        return try epilogue.verify(
            after: report, verification, product: product, bias: try bias(inputs), c: try tensor(self.outputs[0], in: outputs), passes: passes)
    }

    private func verify(
        _ x: Tensor, _ w: Tensor, _ y: Tensor, _ challenge: Challenge, _ passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        if isRecomputed { return try RecomputedConvolution(convolution, x: x, w: w, y: y, passes: passes).verify(challenge) }
        return arithmetic == .i32Exact
            ? try ConvolutionFreivalds(convolution, x: x, w: w, y: y, passes: passes).verify(challenge)
            : try ConvolutionProbes(convolution, x: x, w: w, y: y, passes: passes).verify(challenge)
    }

    private func bias(_ inputs: [Tensor]) throws(Problem) -> Tensor? {
        guard self.inputs.count > 2 else { return nil }
        return try tensor(self.inputs[2], in: inputs)
    }
}
