package import Wire

/// `softmax` over the last axis: input `x`, output `y` of the same shape and dtype (F32 or F64). No parameters. Recomputed.
package struct SoftmaxKernel: RowKernel {
    package static let name = "softmax"

    package let work: RowWork
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        try JSONFields(params, "params").finish()
        self.inputs = try Self.operands(["x"], inputs)
        work = try Self.work(.softmax, x: self.inputs[0])
        outputs = [try TensorDescriptor(name: "y", dtype: work.dtype, shape: self.inputs[0].shape)]
    }
}

/// `layernorm` over the last axis: inputs `x` and, optional, `gamma` and `beta` of the last axis' length; output `y`. Recomputed.
///
/// Parameter: `epsilon`, a real as a string ("1e-05"), 0...1.
package struct LayerNormKernel: RowKernel {
    package static let name = "layernorm"

    package let work: RowWork
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        var fields = try JSONFields(params, "params")
        let epsilon = try RealText.read("epsilon", &fields, in: 0...1, default: 1e-5)
        try fields.finish()
        let names = inputs.map(\.name)
        let optional = ["gamma", "beta"].filter { names.contains($0) }
        self.inputs = try Self.operands(["x"] + optional, inputs)
        let x = self.inputs[0]
        work = try Self.work(.layerNorm(epsilon: epsilon, hasGamma: names.contains("gamma"), hasBeta: names.contains("beta")), x: x)
        for input in self.inputs.dropFirst() {
            guard input.dtype == x.dtype else { throw Problem(.unsupportedDtype, "\(input.name) is \(input.dtype.rawValue), x \(x.dtype.rawValue)") }
            guard input.shape == [work.columns] else { throw Problem(.shapeMismatch, "\(input.name) is \(input.shape), not [\(work.columns)]") }
        }
        outputs = [try TensorDescriptor(name: "y", dtype: work.dtype, shape: x.shape)]
    }
}

/// What the two have in common: work on rows, checked by doing it again.
package protocol RowKernel: Kernel {
    var work: RowWork { get }
}

extension RowKernel {
    /// The inputs of these names, and no others. Throws `missing_field`, `bad_params`.
    static func operands(_ names: [String], _ inputs: [TensorDescriptor]) throws(Problem) -> [TensorDescriptor] {
        var found: [TensorDescriptor] = []
        for key in names {
            guard let input = inputs.first(where: { $0.name == key }) else { throw Problem(.missingField, "\(name) has no input \"\(key)\"") }
            found.append(input)
        }
        guard inputs.count == names.count else { throw Problem(.badParams, "\(name) has no inputs but \(names.joined(separator: ", "))") }
        return found
    }

    static func work(_ kind: RowWork.Kind, x: TensorDescriptor) throws(Problem) -> RowWork {
        guard let columns = x.shape.last else { throw Problem(.shapeMismatch, "a scalar has no last axis") }
        return try RowWork(kind, dtype: x.dtype, rows: columns > 0 ? x.elementCount / columns : 0, columns: columns)
    }

    package var arithmetic: Arithmetic { work.arithmetic }
    package var operations: Int64 { work.operations }
    package var verification: VerificationClass { .recomputed }

    /// The work and its repetition.
    package var priceUnits: Int64 {
        let (double, overflow) = computeUnits.multipliedReportingOverflow(by: 2)
        return overflow ? Int64.max : double
    }

    /// The expected rows that are compared at a time: some megabytes, at least eight rows.
    package var verifierBytes: Int {
        let (bytes, overflow) = work.columns.multipliedReportingOverflow(by: 64)
        return overflow ? Int.max : max(bytes, 1 << 23)
    }

    package func capability(on backend: any ComputeBackend) -> Capability? { backend.capability(for: work) }

    /// Every value is admitted: the check does not depend on it.
    package func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem) {}

    package func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem) {
        let (x, gamma, beta) = try operands(inputs)
        try backend.run(work, x: x, gamma: gamma, beta: beta, into: try tensor(self.outputs[0], in: outputs), control: control)
    }

    package func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor] {
        let (x, gamma, beta) = try operands(inputs)
        let y = try Tensor(zeros: outputs[0])
        for row in 0..<work.rows { y.write(work.bits(x: x, gamma: gamma, beta: beta, rows: row..<row + 1), from: row * work.columns) }
        return [y]
    }

    /// Computes every row again; a difference is confirmed by the definition.
    package func verify(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        let (x, gamma, beta) = try operands(inputs)
        let y = try tensor(self.outputs[0], in: outputs)
        let wrong = try passes.firstWrong(work, x: x, gamma: gamma, beta: beta, y: y)
        var effort = VerificationReport.Effort()
        effort.cells = wrong.map { $0 + 1 } ?? y.descriptor.elementCount
        guard let wrong else { return VerificationReport(.recomputed, refusal: nil, effort: effort) }
        let row = wrong / work.columns
        let expected = work.bits(x: x, gamma: gamma, beta: beta, rows: row..<row + 1)[wrong % work.columns]
        guard y.widenedBits(wrong) != expected else { throw Problem(.internalError, "a verifier pass disagrees with the definition at element \(wrong)") }
        let refusal = VerificationReport.Refusal(y, Cell(row: 0, column: wrong), expected: expected, found: y.widenedBits(wrong))
        return VerificationReport(.recomputed, refusal: refusal, effort: effort)
    }

    private func operands(_ tensors: [Tensor]) throws(Problem) -> (x: Tensor, gamma: Tensor?, beta: Tensor?) {
        func optional(_ name: String) throws(Problem) -> Tensor? {
            guard let descriptor = inputs.first(where: { $0.name == name }) else { return nil }
            return try tensor(descriptor, in: tensors)
        }
        return (try tensor(inputs[0], in: tensors), try optional("gamma"), try optional("beta"))
    }
}
