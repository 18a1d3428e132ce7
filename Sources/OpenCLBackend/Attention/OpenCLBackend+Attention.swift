package import Kernels
package import Wire

/// Attention in F32, from F32 or BF16: in tiles of keys, without a matrix of scores.
extension OpenCLBackend {
    package func capability(for attention: Attention) -> Capability? {
        guard let engine = attentions[attention.inputDType], (try? plan(attention, engine)) != nil else { return nil }
        return Capability(arithmetic: attention.arithmetic)
    }

    private func plan(_ attention: Attention, _ engine: ChosenEngine) throws(Problem) -> AttentionPlan {
        try AttentionPlan.make(attention, cap: memoryCap, largest: description.largestBuffer, operations: engine.operationsPerBlock)
    }

    package func run(_ attention: Attention, q: Tensor, k: Tensor, v: Tensor, into o: Tensor, control: RunControl) throws(Problem) {
        try attention.check(q: q, k: k, v: v, o: o)
        guard let engine = attentions[attention.inputDType] else {
            throw Problem(.unsupportedDtype, "\(name) does not run attention in \(attention.arithmetic.rawValue)")
        }
        try work { workplace throws(Problem) in try workplace.attend(attention, q, k, v, into: o, engine, control) }
    }
}

extension Workplace {
    /// O = softmax(scale·Q·Kᵀ)·V; tensors are checked.
    ///
    /// - Parameter engine: tells how fast the device is.
    mutating func attend(
        _ attention: Attention, _ q: Tensor, _ k: Tensor, _ v: Tensor, into o: Tensor, _ engine: ChosenEngine, _ control: RunControl
    ) throws(Problem) {
        try control.step(0)
        if attention.rowCount > 0 {
            let open = try open()
            try AttentionRun(
                session: open.session, staging: open.staging, attention: attention, control: control, operationsPerBlock: engine.operationsPerBlock
            ).run(q, k, v, into: o)
        }
        try control.step(1)
    }
}

extension EngineChooser {
    /// Whether attention is right here: past a tile of queries, of keys and of columns, with a mask and without, beside the definition in binary64.
    ///
    /// With elements in [−1, 1) scores are below √d, and rounding moves them by (d + 8)·u·√d at most; that moves a weight, and so an output, by twice
    /// as much, and the sums over n keys by (n + 4)·u more (Higham, Accuracy and Stability, 3.1, to first order).
    ///
    /// - Throws: what the device throws.
    func attends(_ dtype: DType, _ engine: ChosenEngine, on workplace: inout Workplace) throws(Problem) -> Bool {
        for (queries, keys, d, isCausal) in [(33, 70, 20, false), (67, 67, 130, true)] {
            let operands = try [("q", queries), ("k", keys), ("v", keys)].map { name, length throws(Problem) in
                try RandomTensor(
                    seed: SHA256.hash(utf8: "adit opencl attention \(name)"),
                    descriptor: try TensorDescriptor(name: name, dtype: dtype, shape: [1, 2, length, d])
                ).generate()
            }
            let kernel = try AttentionKernel(params: ["causal": .bool(isCausal)], inputs: operands.map(\.descriptor))
            let o = try Tensor(zeros: kernel.outputs[0])
            try workplace.attend(kernel.attention, operands[0], operands[1], operands[2], into: o, engine, .none)
            guard let expected = try kernel.reference(operands).first else { return false }
            let bound = (2 * (Float(d) + 8) * Float(d).squareRoot() + Float(keys) + 4) * 0x1p-24
            let isNear = o.withElements(as: Float.self) { found in
                expected.withElements(as: Float.self) { expected in found.indices.allSatisfy { (found[$0] - expected[$0]).magnitude <= bound } }
            }
            guard isNear else { return false }
        }
        return true
    }

    /// Whether the device has what the kernel takes.
    var hasRoomForAttention: Bool {
        device.description.localBytes >= AttentionProgram.localBytes && device.description.largestGroup >= AttentionProgram.items
    }
}
