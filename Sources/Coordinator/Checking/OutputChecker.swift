import Jobs
import Kernels
import Signing
import Wire

/// Maps a job's tensors and lets its kernel look at them. Every call blocks and may compute for long: it is made on a work queue.
struct OutputChecker: Sendable {
    let blobs: BlobStore
    let passes: any VerifierPasses
    /// The most bytes of tensors at one time.
    let limit: Int

    /// Looks at a job's input values before work is sold. Throws `non_finite_input`, `unknown_blob`, `shape_mismatch`, `io_failed`.
    func admit(_ spec: JobSpec, _ kernel: any Kernel) throws(Problem) {
        // Random inputs are finite by construction: nobody makes them before they are paid for.
        let sent = spec.inputs.filter { $0.root != nil }
        guard !sent.isEmpty else { return }
        try kernel.admit(try tensors(sent), passes: passes)
    }

    /// Checks a committed output against a challenge that was drawn after the commitment was stored.
    func check(_ check: PendingCheck, challenge: Challenge) throws(Problem) -> VerificationReport {
        var outputs: [Tensor] = []
        for tensor in check.result.output.outputs {
            let buffer =
                if let bytes = check.small[tensor.root] { try TensorBuffer(bytes) } else {
                    try blobs.map(tensor.root, byteCount: tensor.descriptor.byteCount)
                }
            outputs.append(try Tensor(tensor.descriptor, buffer))
        }
        return try check.kernel.verify(try tensors(check.spec.inputs), outputs, challenge: challenge, passes: passes)
    }

    /// Whether a challenge's answer is its product, to the bit.
    func isRight(_ check: ChallengeCheck) throws(Problem) -> Bool {
        let c = try Tensor(check.output.descriptor, try blobs.map(check.output.root, byteCount: check.output.descriptor.byteCount))
        let secret = try Challenge(SecureRandom.bytes(Challenge.byteCount))
        return try check.kernel.verify(try tensors(check.spec.inputs), [c], challenge: secret, passes: passes).isAccepted
    }

    /// Small outputs as JSON numbers: one output's value, or several by name. `nil` where their bytes have expired.
    func shown(_ outputs: [OutputTensor]) throws(Problem) -> JSON? {
        var values: [(String, JSON)] = []
        for output in outputs {
            guard blobs.byteCount(output.root) != nil else { return nil }
            let tensor = try Tensor(output.descriptor, try blobs.map(output.root, byteCount: output.descriptor.byteCount))
            guard let value = tensor.shown else { return nil }
            values.append((output.descriptor.name, value))
        }
        return values.count == 1 ? values[0].1 : .object(JSONObject(distinct: values))
    }

    private func tensors(_ specs: [InputSpec]) throws(Problem) -> [Tensor] {
        var inputs: [Tensor] = []
        // A product of a matrix with itself is common: its blob is mapped once.
        var mapped: [Digest: TensorBuffer] = [:]
        for input in specs {
            switch input.source {
            case .blob(let root):
                let known = mapped[root].flatMap { $0.byteCount == input.descriptor.byteCount ? $0 : nil }
                let buffer = if let known { known } else { try blobs.map(root, byteCount: input.descriptor.byteCount) }
                mapped[root] = buffer
                inputs.append(try Tensor(input.descriptor, buffer))
            case .random(let seed):
                inputs.append(try RandomTensor(seed: seed, descriptor: input.descriptor).generate(limit: limit))
            }
        }
        return inputs
    }
}
