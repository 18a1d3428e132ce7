package import Wire

/// `compute`: a chain of element-wise and reducing operations over the tensor `x`, perhaps with others; output `y`.
///
/// Parameter: `operations`, 1 to 32 of them, in order (`ComputeParams`). `y` has the shape of `x`, or is a scalar after a reduction. Every input but
/// `x` is one that an operation names: of x's shape, of that of x's last dimension, or of one element.
/// Checked by doing it again, so its price is that of twice its work; good for small things, and for the demonstration of the road.
package struct ComputeKernel: Kernel {
    package static let name = "compute"
    package static var operationNames: [String] { ComputeParams.names }

    package let chain: ComputeChain
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]
    /// The operands' places among the inputs.
    private let operandPlaces: [Int]

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        let params = try ComputeParams(params)
        guard let x = inputs.first(where: { $0.name == "x" }) else { throw Problem(.missingField, "compute has no input \"x\"") }
        var ordered = [x]
        var places: [Int] = []
        for name in params.operands {
            guard let operand = inputs.first(where: { $0.name == name }) else {
                throw Problem(.missingField, "an operation takes elements of \"\(name.prefix(64))\", which is no input")
            }
            guard operand.dtype == x.dtype else {
                throw Problem(.unsupportedDtype, "input \"\(name)\" is \(operand.dtype.rawValue), and x \(x.dtype.rawValue)")
            }
            guard operand.shape == x.shape || operand.elementCount == 1 || (x.shape.last.map { operand.shape == [$0] } ?? false) else {
                throw Problem(.shapeMismatch, "input \"\(name)\" has shape \(operand.shape): neither x's \(x.shape), nor its last dimension's, nor one element")
            }
            if name == "x" {
                places.append(0)
            } else {
                places.append(ordered.count)
                ordered.append(operand)
            }
        }
        guard inputs.count == ordered.count else {
            throw Problem(.badParams, "compute has \(inputs.count) inputs, its operations name \(ordered.count) with x")
        }
        chain = try ComputeChain(params.operations, dtype: x.dtype, count: x.elementCount, operandCounts: places.map { ordered[$0].elementCount })
        (self.inputs, operandPlaces) = (ordered, places)
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

    /// A few panels' worth, and of a reduction every panel's accumulator.
    package var verifierBytes: Int { 65536 + (chain.reduction == nil ? 0 : chain.count / Panel256.length * chain.dtype.byteCount) }

    package func capability(on backend: any ComputeBackend) -> Capability? { backend.capability(for: chain) }

    /// Every value is admitted: the check does not depend on it.
    package func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem) {}

    package func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem) {
        let (x, operands) = try tensors(inputs)
        try backend.run(chain, x: x, operands: operands, into: try tensor(self.outputs[0], in: outputs), control: control)
    }

    package func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor] {
        let (x, operands) = try tensors(inputs)
        let y = try Tensor(zeros: outputs[0])
        func fill<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) {
            y.withMutableElements(as: type) { elements in
                chain.bits(x, operands) { index, bits in
                    elements[index] = T(truncatingIfNeeded: bits)
                    return true
                }
            }
        }
        if chain.dtype == .f64 { fill(UInt64.self) } else { fill(UInt32.self) }
        return [y]
    }

    /// Computes every element again; a difference is confirmed by the definition. The challenge has nothing to choose.
    package func verify(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        let (x, operands) = try tensors(inputs)
        let y = try tensor(self.outputs[0], in: outputs)
        let wrong = try passes.firstWrong(chain, x: x, operands: operands, y: y)
        var effort = VerificationReport.Effort()
        effort.cells = wrong.map { $0 + 1 } ?? chain.outputCount
        guard let wrong else { return VerificationReport(.recomputed, refusal: nil, effort: effort) }
        let (expected, found) = (chain.bits(x, operands, at: wrong), y.widenedBits(wrong))
        guard found != expected else { throw Problem(.internalError, "a verifier pass disagrees with the definition at element \(wrong)") }
        let refusal = VerificationReport.Refusal(y, Cell(row: 0, column: wrong), expected: expected, found: found)
        return VerificationReport(.recomputed, refusal: refusal, effort: effort)
    }

    private func tensors(_ inputs: [Tensor]) throws(Problem) -> (x: Tensor, operands: [Tensor]) {
        var operands: [Tensor] = []
        for place in operandPlaces { operands.append(try tensor(self.inputs[place], in: inputs)) }
        return (try tensor(self.inputs[0], in: inputs), operands)
    }
}
