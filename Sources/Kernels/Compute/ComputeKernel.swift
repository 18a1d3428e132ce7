package import Wire

/// `compute`: a chain of element-wise and reducing operations over one tensor, input `x`, output `y`.
///
/// Parameter: `operations`, the names of 1 to 32 `ComputeStep`s, in order. `y` has the shape of `x`, or is a scalar after a reduction.
/// Checked by doing it again, so its price is that of twice its work; good for small things, and for the demonstration of the road.
package struct ComputeKernel: Kernel {
    package static let name = "compute"

    package let chain: ComputeChain
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        var fields = try JSONFields(params, "params")
        var steps: [ComputeStep] = []
        for element in try fields.array("operations", maxCount: ComputeChain.maximumSteps) {
            guard case .string(let name) = element else { throw Problem(.wrongType, "operations are named by strings") }
            guard let step = ComputeStep(rawValue: name) else {
                let known = ComputeStep.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem(.badParams, "no operation \"\(name.prefix(64))\"; there are \(known)")
            }
            steps.append(step)
        }
        try fields.finish()
        guard let x = inputs.first(where: { $0.name == "x" }) else { throw Problem(.missingField, "compute has no input \"x\"") }
        guard inputs.count == 1 else { throw Problem(.badParams, "compute has one input, x, not \(inputs.count)") }
        chain = try ComputeChain(steps, dtype: x.dtype, count: x.elementCount)
        self.inputs = [x]
        outputs = [try TensorDescriptor(name: "y", dtype: x.dtype, shape: chain.reduction == nil ? x.shape : [])]
    }

    package var arithmetic: Arithmetic { chain.arithmetic }
    package var operations: Int64 { chain.operations }
    package var verification: VerificationClass { .recomputed }

    /// The work and its repetition.
    package var priceUnits: Int64 {
        let (double, overflow) = computeUnits.multipliedReportingOverflow(by: 2)
        return overflow ? Int64.max : double
    }

    /// A panel's worth.
    package var verifierBytes: Int { 4096 }

    package func capability(on backend: any ComputeBackend) -> Capability? { backend.capability(for: chain) }

    /// Every value is admitted: the check does not depend on it.
    package func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem) {}

    package func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem) {
        let x = try tensor(self.inputs[0], in: inputs)
        try backend.run(chain, x: x, into: try tensor(self.outputs[0], in: outputs), control: control)
    }

    package func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor] {
        let x = try tensor(self.inputs[0], in: inputs)
        let y = try Tensor(zeros: outputs[0])
        func fill<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) {
            y.withMutableElements(as: type) { elements in
                chain.bits(x) { index, bits in
                    elements[index] = T(truncatingIfNeeded: bits)
                    return true
                }
            }
        }
        if chain.dtype == .f64 { fill(UInt64.self) } else { fill(UInt32.self) }
        return [y]
    }

    /// Computes every element again by the definition; the challenge has nothing to choose.
    package func verify(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        let x = try tensor(self.inputs[0], in: inputs)
        let y = try tensor(self.outputs[0], in: outputs)
        var wrong: (index: Int, expected: UInt64, found: UInt64)?
        func compare<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) {
            y.withElements(as: type) { elements in
                chain.bits(x) { index, bits in
                    guard UInt64(elements[index]) != bits else { return true }
                    wrong = (index, bits, UInt64(elements[index]))
                    return false
                }
            }
        }
        if chain.dtype == .f64 { compare(UInt64.self) } else { compare(UInt32.self) }
        var effort = VerificationReport.Effort()
        effort.cells = wrong.map { $0.index + 1 } ?? chain.outputCount
        let refusal = wrong.map { VerificationReport.Refusal(y, Cell(row: 0, column: $0.index), expected: $0.expected, found: $0.found) }
        return VerificationReport(.recomputed, refusal: refusal, effort: effort)
    }
}
