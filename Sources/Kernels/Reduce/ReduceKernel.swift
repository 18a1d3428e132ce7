package import Wire

/// `reduce`: one number for all elements along some axes; input `x`, output `y`. Recomputed.
///
/// Parameters: `operation` ("sum", "mean", "min", "max", "product", "argmin", "argmax"; the names say which work it is), `axes` (integers from 0),
/// `keepdims` (false: the axes vanish; true: they become 1).
package struct ReduceKernel: Kernel {
    package static let name = "reduce"

    /// Two definitions: of real numbers, rounded in a fixed order, and what has an integer as its exact result.
    package enum Work: Sendable, Hashable {
        case rounded(Reduction)
        case exact(ExactReduction)
    }

    package let work: Work
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        var fields = try JSONFields(params, "params")
        let name = try fields.string("operation", maxBytes: 64)
        guard Self.operationNames.contains(name) else {
            throw Problem(.badParams, "no reduction \"\(name)\"; there are \(Self.operationNames.joined(separator: ", "))")
        }
        var axes: [Int] = []
        for element in try fields.array("axes", maxCount: TensorDescriptor.maximumRank) {
            guard case .integer(let axis) = element else { throw Problem(.notAnInteger, "axes are integers") }
            guard (0..<Int64(TensorDescriptor.maximumRank)).contains(axis) else { throw Problem(.outOfRange, "no tensor has an axis \(axis)") }
            axes.append(Int(axis))
        }
        let keepsDimensions = try fields.optionalBool("keepdims") ?? false
        try fields.finish()
        guard let x = inputs.first(where: { $0.name == "x" }) else { throw Problem(.missingField, "reduce has no input \"x\"") }
        guard inputs.count == 1 else { throw Problem(.badParams, "reduce has one input, x, not \(inputs.count)") }
        work = try Self.work(name, x, axes, keepsDimensions)
        self.inputs = [x]
        outputs =
            switch work {
            case .rounded(let reduction): [try TensorDescriptor(name: "y", dtype: x.dtype, shape: reduction.axes.outputShape)]
            case .exact(let reduction): [try TensorDescriptor(name: "y", dtype: reduction.outputDType, shape: reduction.axes.outputShape)]
            }
    }

    private static let operationNames = ComputeStep.allCases.filter(\.isReduction).map(\.rawValue) + ["argmin", "argmax"]

    private static func work(_ name: String, _ x: TensorDescriptor, _ axes: [Int], _ keepsDimensions: Bool) throws(Problem) -> Work {
        let isInteger = ExactReduction.integers.contains(x.dtype)
        guard isInteger || x.dtype == .f32 || x.dtype == .f64 else {
            throw Problem(.unsupportedDtype, "reduce takes F32, F64, I8, I32 and I64, not \(x.dtype.rawValue)")
        }
        if let operation = ExactReduction.Operation(rawValue: name), isInteger || operation.isPlace {
            return .exact(try ExactReduction(operation, dtype: x.dtype, shape: x.shape, axes: axes, keepsDimensions: keepsDimensions))
        }
        guard !isInteger, let step = ComputeStep(rawValue: name) else {
            let offered = ExactReduction.Operation.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(.unsupportedDtype, "no \(name) of \(x.dtype.rawValue): of integers there are \(offered)")
        }
        return .rounded(try Reduction(step, dtype: x.dtype, shape: x.shape, axes: axes, keepsDimensions: keepsDimensions))
    }

    private var axes: ReducedAxes {
        switch work {
        case .rounded(let reduction): reduction.axes
        case .exact(let reduction): reduction.axes
        }
    }

    package var arithmetic: Arithmetic {
        switch work {
        case .rounded(let reduction): reduction.arithmetic
        case .exact(let reduction): reduction.arithmetic
        }
    }

    package var operations: Int64 { Int64(axes.elementCount) }
    package var verification: VerificationClass { .recomputed }

    /// The work and its repetition.
    package var priceUnits: Int64 {
        let (double, overflow) = computeUnits.multipliedReportingOverflow(by: 2)
        return overflow ? Int64.max : double
    }

    /// The expected output.
    package var verifierBytes: Int { outputs[0].byteCount }

    package func capability(on backend: any ComputeBackend) -> Capability? {
        switch work {
        case .rounded(let reduction): backend.capability(for: reduction)
        case .exact(let reduction): backend.capability(for: reduction)
        }
    }

    /// Every value is admitted: the check does not depend on it.
    package func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem) {}

    /// Throws `sums_overflow` besides, where a sum of I64 is beyond I64: then there is no answer.
    package func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem) {
        let (x, y) = (try tensor(self.inputs[0], in: inputs), try tensor(self.outputs[0], in: outputs))
        switch work {
        case .rounded(let reduction): try backend.run(reduction, x: x, into: y, control: control)
        case .exact(let reduction): try backend.run(reduction, x: x, into: y, control: control)
        }
    }

    package func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor] {
        let x = try tensor(self.inputs[0], in: inputs)
        let y = try Tensor(zeros: outputs[0])
        for cell in 0..<axes.outputCount {
            guard let bits = bits(x, cell) else {
                if case .exact(let reduction) = work { throw reduction.overflow(cell: cell) }
                throw Problem(.internalError, "a rounded reduction has no answer")
            }
            y.write([bits], from: cell)
        }
        return [y]
    }

    /// By the definition; nil where there is no answer.
    private func bits(_ x: Tensor, _ cell: Int) -> UInt64? {
        switch work {
        case .rounded(let reduction): reduction.bits(x, cell: cell)
        case .exact(let reduction): reduction.bits(x, cell: cell)
        }
    }

    /// Computes every cell again; a difference is confirmed by the definition.
    package func verify(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        let x = try tensor(self.inputs[0], in: inputs)
        let y = try tensor(self.outputs[0], in: outputs)
        let wrong =
            switch work {
            case .rounded(let reduction): try passes.firstWrong(reduction, x: x, y: y)
            case .exact(let reduction): try passes.firstWrong(reduction, x: x, y: y)
            }
        var effort = VerificationReport.Effort()
        effort.cells = wrong.map { $0 + 1 } ?? axes.outputCount
        guard let wrong else { return VerificationReport(.recomputed, refusal: nil, effort: effort) }
        let (expected, found) = (bits(x, wrong), y.widenedBits(wrong))
        guard found != expected else { throw Problem(.internalError, "a verifier pass disagrees with the definition at element \(wrong)") }
        let cell = Cell(row: 0, column: wrong)
        let refusal =
            if let expected { VerificationReport.Refusal(y, cell, expected: expected, found: found) } else { overflow(x, cell) }
        return VerificationReport(.recomputed, refusal: refusal, effort: effort)
    }

    /// Nobody could compute such a sum, and `run` says so: who hands in a number all the same has made it up.
    private func overflow(_ x: Tensor, _ cell: Cell) -> VerificationReport.Refusal {
        var sum = Double.nan
        if case .exact(let reduction) = work { sum = Double(reduction.wideSum(x, cell: cell.column).magnitude) }
        let finding = VerificationReport.Finding(rule: "the sum's magnitude", value: sum, limit: (0x1p63).nextDown)
        return VerificationReport.Refusal(output: outputs[0].name, cell: cell, finding: finding)
    }
}
