package import Wire

/// `reduce`: one number for all elements along some axes; input `x`, output `y`. Recomputed.
///
/// Parameters: `operation` ("sum", "mean", "min", "max", "product"), `axes` (integers from 0), `keepdims` (false: the axes vanish; true: they become 1).
package struct ReduceKernel: Kernel {
    package static let name = "reduce"

    package let reduction: Reduction
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        var fields = try JSONFields(params, "params")
        let name = try fields.string("operation", maxBytes: 64)
        guard let step = ComputeStep(rawValue: name), step.isReduction else {
            throw Problem(
                .badParams, "no reduction \"\(name)\"; there are \(ComputeStep.allCases.filter(\.isReduction).map(\.rawValue).joined(separator: ", "))")
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
        reduction = try Reduction(step, dtype: x.dtype, shape: x.shape, axes: axes, keepsDimensions: keepsDimensions)
        self.inputs = [x]
        outputs = [try TensorDescriptor(name: "y", dtype: x.dtype, shape: reduction.outputShape)]
    }

    package var arithmetic: Arithmetic { reduction.arithmetic }
    package var operations: Int64 { reduction.operations }
    package var verification: VerificationClass { .recomputed }

    /// The work and its repetition.
    package var priceUnits: Int64 {
        let (double, overflow) = computeUnits.multipliedReportingOverflow(by: 2)
        return overflow ? Int64.max : double
    }

    /// The expected output.
    package var verifierBytes: Int { outputs[0].byteCount }

    package func capability(on backend: any ComputeBackend) -> Capability? { backend.capability(for: reduction) }

    /// Every value is admitted: the check does not depend on it.
    package func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem) {}

    package func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem) {
        try backend.run(reduction, x: try tensor(self.inputs[0], in: inputs), into: try tensor(self.outputs[0], in: outputs), control: control)
    }

    package func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor] {
        let x = try tensor(self.inputs[0], in: inputs)
        let y = try Tensor(zeros: outputs[0])
        y.write((0..<reduction.outputCount).map { reduction.bits(x, cell: $0) })
        return [y]
    }

    /// Computes every cell again; a difference is confirmed by the definition.
    package func verify(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        let x = try tensor(self.inputs[0], in: inputs)
        let y = try tensor(self.outputs[0], in: outputs)
        let wrong = try passes.firstWrong(reduction, x: x, y: y)
        var effort = VerificationReport.Effort()
        effort.cells = wrong.map { $0 + 1 } ?? reduction.outputCount
        guard let wrong else { return VerificationReport(.recomputed, refusal: nil, effort: effort) }
        let (expected, found) = (reduction.bits(x, cell: wrong), y.widenedBits(wrong))
        guard found != expected else { throw Problem(.internalError, "a verifier pass disagrees with the definition at element \(wrong)") }
        let refusal = VerificationReport.Refusal(y, Cell(row: 0, column: wrong), expected: expected, found: found)
        return VerificationReport(.recomputed, refusal: refusal, effort: effort)
    }
}
