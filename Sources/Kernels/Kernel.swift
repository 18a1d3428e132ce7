package import Wire

/// A kernel that ships with its own verifier: the idea of this product.
///
/// A client pays for `outputs = kernel(inputs)`. Anybody may run it, on any device; the verifier says, for a small share of
/// the work and with figures that stand in the quote, whether what came back is right. Units and price follow from
/// the spec alone (PROTOCOL sections 2 and 9), so a kernel is made from parameters and descriptors, before any byte is there.
///
/// Adding a kernel is one type that conforms, one line in `KernelRegistry`, and an entry in the tests' `CheatingKit`.
/// `GEMMKernel` is the first; read it next, then `Freivalds` and `BitsVerifier`.
package protocol Kernel: Sendable {
    /// The `type` of a job's spec.
    static var name: String { get }

    /// Checks a spec; allocates nothing.
    ///
    /// - Throws: `bad_params`, `unknown_field`, `missing_field`, `unsupported_dtype`, `shape_mismatch`, `too_long`, `out_of_range`.
    init(params: JSON, inputs: [TensorDescriptor]) throws(Problem)

    /// What the kernel reads and writes, in its own order.
    var inputs: [TensorDescriptor] { get }
    var outputs: [TensorDescriptor] { get }

    /// Names of outputs that are committed to only so that they can be checked, such as a product before its bias: a client that asks
    /// for the work doesn't ask for them.
    var intermediates: [String] { get }

    /// The promise that verification holds the output to; part of the output's hash.
    var arithmetic: Arithmetic { get }

    /// Arithmetic operations by section 9's formula; a multiply and an add count as two.
    var operations: Int64 { get }

    /// Units that the price counts: at least `computeUnits`, more where the check is a large part of the work.
    var priceUnits: Int64 { get }

    /// How the output will be checked, with its figures: stands in the quote and in the verification record.
    var verification: VerificationClass { get }

    /// About how many bytes `verify` takes beside the tensors: for thin products it can be more than they are.
    var verifierBytes: Int { get }

    /// What a backend promises for this work, or nil if it can't do it.
    func capability(on backend: any ComputeBackend) -> Capability?

    /// Looks at the inputs' values before work is sold. Throws `non_finite_input` where the check would cost too much.
    ///
    /// Inputs that are finite by construction, such as random ones, may be left out.
    func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem)

    /// Runs on a device; synchronous and long (see `ComputeBackend`). Every byte of the outputs is written; they mean nothing if this throws.
    ///
    /// - Parameter outputs: tensors as `self.outputs` describes them, in any order.
    /// - Throws: `shape_mismatch` if a tensor is not the one described; the backend's problems.
    func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem)

    /// The definition, in plain Swift: slow, and what everything else is compared with.
    func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor]

    /// Checks outputs with a challenge that was drawn after they were committed to.
    ///
    /// Synchronous; costs much less than the work. Never refuses the definition's own output, whatever the data.
    ///
    /// - Throws: `shape_mismatch` if a tensor is not the one described; `internal_error` if the passes contradict the plain definition.
    ///   A wrong output is no error but a report that says so.
    func verify(_ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses) throws(Problem) -> VerificationReport
}

extension Kernel {
    package var name: String { Self.name }

    package var intermediates: [String] { [] }

    /// Compute units of 10^6 operations, rounded up (PROTOCOL section 2).
    package var computeUnits: Int64 { operations / 1_000_000 + (operations % 1_000_000 == 0 ? 0 : 1) }

    package var priceUnits: Int64 { computeUnits }

    /// Bytes of all inputs and outputs together, which a run holds at once; saturates instead of overflowing.
    package var memoryBytes: Int {
        (inputs + outputs).reduce(0) { sum, tensor in
            let (result, overflow) = sum.addingReportingOverflow(tensor.byteCount)
            return overflow ? Int.max : result
        }
    }

    /// Bytes that a check holds at once: all tensors and the verifier's own; saturates instead of overflowing.
    package var checkBytes: Int {
        let (sum, overflow) = memoryBytes.addingReportingOverflow(verifierBytes)
        return overflow ? Int.max : sum
    }

    /// Runs into new outputs. Throws `memory_limit` besides, before anything is computed, if one of them exceeds `limit` bytes.
    package func run(_ inputs: [Tensor], on backend: any ComputeBackend, control: RunControl, limit: Int) throws(Problem) -> [Tensor] {
        var made: [Tensor] = []
        for output in outputs { made.append(try Tensor(zeros: output, limit: limit)) }
        try run(inputs, into: made, on: backend, control: control)
        return made
    }

    /// Checks outputs as strongly as an audit does: the class *exact* with two independent vectors, 2^−120; the others as for a job.
    package func audit(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        let report = try verify(inputs, outputs, challenge: challenge, passes: passes)
        guard report.isAccepted, case .exact(let vectors) = report.verification else { return report }
        let second = try verify(inputs, outputs, challenge: challenge.second, passes: passes)
        return VerificationReport(.exact(vectors: 2 * vectors), refusal: second.refusal, effort: second.effort)
    }

    /// Finds the tensor that `descriptor` describes among `tensors`. Throws `shape_mismatch` if it isn't there.
    func tensor(_ descriptor: TensorDescriptor, in tensors: [Tensor]) throws(Problem) -> Tensor {
        guard let tensor = tensors.first(where: { $0.descriptor == descriptor }) else {
            throw Problem(.shapeMismatch, "no tensor \(descriptor.name) of \(descriptor.dtype.rawValue) \(descriptor.shape)")
        }
        return tensor
    }
}

/// The promise about an output's numbers; `output_hash` holds it (PROTOCOL section 4).
package enum Arithmetic: String, Sendable, CaseIterable, Hashable {
    /// Integers, exact.
    case i32Exact = "i32-exact"
    /// One order of summation, defined to the bit (PROTOCOL section 9, panel-256).
    case f32Panel256 = "f32-panel256"
    case f64Panel256 = "f64-panel256"
    /// Any order, within a statistical bound. Named by the protocol; no kernel offers them yet.
    case f32 = "f32"
    case f64 = "f64"
    case bf16F32 = "bf16-f32"
}
