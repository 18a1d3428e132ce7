package import Wire

/// `attention`: O = softmax(scale·Q·Kᵀ)·V, inputs `q` [b, h, sq, d], `k` and `v` [b, h, sk, d], output `o` [b, h, sq, d].
///
/// Parameters, both optional: `causal` (false; query i sees keys 0...i, and sq = sk), `scale` (a real as a string; 1/√d).
/// F32 or BF16 gives F32, in any order of summation.
package struct AttentionKernel: Kernel {
    package static let name = "attention"

    package let attention: Attention
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        var fields = try JSONFields(params, "params")
        let isCausal = try fields.optionalBool("causal") ?? false
        let scale = try RealText.readOptional("scale", &fields, in: Attention.scales)
        try fields.finish()
        var found: [TensorDescriptor] = []
        for name in ["q", "k", "v"] {
            guard let input = inputs.first(where: { $0.name == name }) else { throw Problem(.missingField, "attention has no input \"\(name)\"") }
            guard input.shape.count == 4 else { throw Problem(.shapeMismatch, "\(name) must have rank 4: batch, heads, length, d") }
            found.append(input)
        }
        let (q, k, v) = (found[0], found[1], found[2])
        guard inputs.count == 3 else { throw Problem(.badParams, "attention has three inputs, q, k and v, not \(inputs.count)") }
        guard q.dtype == k.dtype, q.dtype == v.dtype, q.dtype == .f32 || q.dtype == .bf16 else {
            throw Problem(.unsupportedDtype, "attention takes three F32 or three BF16, not \(found.map(\.dtype.rawValue).joined(separator: ", "))")
        }
        guard k.shape == v.shape, [0, 1, 3].allSatisfy({ q.shape[$0] == k.shape[$0] }) else {
            throw Problem(.shapeMismatch, "q \(q.shape), k \(k.shape) and v \(v.shape) don't fit: k and v are alike, and q differs in its length alone")
        }
        attention = try Attention(
            batch: q.shape[0], heads: q.shape[1], queries: q.shape[2], keys: k.shape[2], dimension: q.shape[3], isCausal: isCausal, scale: scale,
            arithmetic: q.dtype == .bf16 ? .bf16F32 : .f32)
        self.inputs = [q, k, v]
        outputs = [try TensorDescriptor(name: "o", dtype: .f32, shape: q.shape)]
    }

    package var arithmetic: Arithmetic { attention.arithmetic }
    package var operations: Int64 { attention.operations }
    package var verification: VerificationClass { .sampled(AttentionVerifier.figures(attention)) }
    package var verifierBytes: Int { AttentionVerifier.scratchBytes(attention) }

    package func capability(on backend: any ComputeBackend) -> Capability? { backend.capability(for: attention) }

    package func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem) {
        guard operations > 0 else { return }
        var extents: [RowExtent] = []
        for descriptor in self.inputs {
            // What was left out is random, in [-1, 1).
            let given = inputs.first { $0.descriptor == descriptor }
            extents.append(
                try given.map { tensor throws(Problem) in try passes.rowExtent(tensor) }
                    ?? RowExtent(norm: Double(attention.dimension).squareRoot(), maximum: 1))
        }
        try AttentionVerifier.admit(attention, q: extents[0], k: extents[1], v: extents[2])
    }

    package func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem) {
        let (q, k, v) = try operands(inputs)
        try backend.run(attention, q: q, k: k, v: v, into: try tensor(self.outputs[0], in: outputs), control: control)
    }

    package func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor] {
        let (q, k, v) = try operands(inputs)
        let o = try Tensor(zeros: outputs[0])
        let source = AttentionSource(attention, q: q, k: k, v: v)
        o.withMutableElements(as: Float.self) { elements in
            for (index, value) in source.rows(Array(0..<attention.rowCount)).outputs.enumerated() { elements[index] = Float(value) }
        }
        return [o]
    }

    package func verify(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        let (q, k, v) = try operands(inputs)
        let o = try tensor(self.outputs[0], in: outputs)
        return try AttentionVerifier(attention, q: q, k: k, v: v, o: o, passes: passes).verify(challenge) { () throws(Problem) in
            try admit([q, k, v], passes: passes)
        }
    }

    private func operands(_ tensors: [Tensor]) throws(Problem) -> (q: Tensor, k: Tensor, v: Tensor) {
        (try tensor(inputs[0], in: tensors), try tensor(inputs[1], in: tensors), try tensor(inputs[2], in: tensors))
    }
}
