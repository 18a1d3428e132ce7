package import Wire

/// `conv2d`: a convolution of images `x` with weights `w`, output `y`.
///
/// Parameters, all optional: `stride`, `padding`, `dilation` (a list of two: vertical, horizontal; 1, 0, 1), `groups` (1). I8 gives I32,
/// exactly; F32 is free: sums in any order. Where a group has fewer than 32 outputs the output is recomputed.
package struct Conv2DKernel: Kernel {
    package static let name = "conv2d"

    package let convolution: Convolution
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        var fields = try JSONFields(params, "params")
        let stride = try Self.pair(&fields, "stride", 1)
        let padding = try Self.pair(&fields, "padding", 0)
        let dilation = try Self.pair(&fields, "dilation", 1)
        let groups = Int(try fields.optionalInteger("groups", in: 1...Int64(TensorDescriptor.maximumDimension)) ?? 1)
        try fields.finish()
        let (x, w) = (try Self.input("x", of: inputs), try Self.input("w", of: inputs))
        guard inputs.count == 2 else { throw Problem(.badParams, "conv2d has two inputs, x and w, not \(inputs.count)") }
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
        self.inputs = [x, w]
        outputs = [try TensorDescriptor(name: "y", dtype: convolution.outputDType, shape: convolution.shapeY)]
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

    package func capability(on backend: any ComputeBackend) -> Capability? { backend.capability(for: convolution) }

    package func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem) {
        guard arithmetic == .f32 else { return }
        let (x, w) = (inputs.first { $0.descriptor == self.inputs[0] }, inputs.first { $0.descriptor == self.inputs[1] })
        try NonFiniteConvolution(convolution, x: x, w: w).admit()
    }

    package func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem) {
        let (x, w) = (try tensor(self.inputs[0], in: inputs), try tensor(self.inputs[1], in: inputs))
        try backend.run(convolution, x: x, w: w, into: try tensor(self.outputs[0], in: outputs), control: control)
    }

    package func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor] {
        let y = try Tensor(zeros: outputs[0])
        ReferenceConvolution(convolution: convolution, x: try tensor(self.inputs[0], in: inputs), w: try tensor(self.inputs[1], in: inputs)).fill(y)
        return [y]
    }

    package func verify(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        let (x, w, y) = (try tensor(self.inputs[0], in: inputs), try tensor(self.inputs[1], in: inputs), try tensor(self.outputs[0], in: outputs))
        if isRecomputed { return try RecomputedConvolution(convolution, x: x, w: w, y: y, passes: passes).verify(challenge) }
        return arithmetic == .i32Exact
            ? try ConvolutionFreivalds(convolution, x: x, w: w, y: y, passes: passes).verify(challenge)
            : try ConvolutionProbes(convolution, x: x, w: w, y: y, passes: passes).verify(challenge)
    }
}
