package import Wire

/// `mlp.train`: trains a network of fully connected layers on rows of data, from a seed, to the bit.
///
/// Inputs: `x` F32 [N, in]; `labels`: I32 or I64 [N] classes for cross-entropy, F32 [N, out] for squared errors; and, all or none, `w{i}`
/// [in_i, out_i] and `b{i}` [out_i] F32 to start from. Parameters: see `TrainingPlan`. Outputs: `w{i}`, `b{i}` for each layer, `losses` [steps],
/// and `checkpoints` [segments, state].
package struct MLPTrainKernel: Kernel {
    package static let name = "mlp.train"

    package let plan: TrainingPlan
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]
    private let isStartGiven: Bool

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        let x = try Self.input("x", inputs)
        let labels = try Self.input("labels", inputs)
        guard x.dtype == .f32 else { throw Problem(.unsupportedDtype, "x is F32, not \(x.dtype.rawValue)") }
        guard x.shape.count == 2 else { throw Problem(.shapeMismatch, "x has one row for each example") }
        var fields = try JSONFields(params, "params")
        let plan = try TrainingPlan(reading: &fields, inputs: x.shape[1], examples: x.shape[0])
        try fields.finish()
        let out = plan.layers.sizes.last ?? 1
        if plan.loss == .crossEntropy {
            guard labels.dtype == .i32 || labels.dtype == .i64 else { throw Problem(.unsupportedDtype, "labels are I32 or I64, not \(labels.dtype.rawValue)") }
            guard labels.shape == [plan.examples] else { throw Problem(.shapeMismatch, "labels has shape \(labels.shape), not [\(plan.examples)]") }
        } else {
            guard labels.dtype == .f32 else { throw Problem(.unsupportedDtype, "labels of squared errors are F32, not \(labels.dtype.rawValue)") }
            guard labels.shape == [plan.examples, out] else {
                throw Problem(.shapeMismatch, "labels has shape \(labels.shape), not [\(plan.examples), \(out)]")
            }
        }
        let weights = try plan.layers.weights()
        let given = inputs.filter { $0.name != "x" && $0.name != "labels" }
        isStartGiven = !given.isEmpty
        if isStartGiven { try plan.layers.check(given) }
        self.plan = plan
        self.inputs = [x, labels] + (isStartGiven ? weights : [])
        outputs =
            weights + [
                try TensorDescriptor(name: "losses", dtype: .f32, shape: [plan.steps]),
                try TensorDescriptor(name: "checkpoints", dtype: .f32, shape: [plan.segments, plan.stateCount]),
            ]
    }

    private static func input(_ name: String, _ inputs: [TensorDescriptor]) throws(Problem) -> TensorDescriptor {
        guard let input = inputs.first(where: { $0.name == name }) else { throw Problem(.missingField, "mlp.train has no input \"\(name)\"") }
        return input
    }

    package var intermediates: [String] { ["checkpoints"] }
    package var arithmetic: Arithmetic { .f32Panel256 }
    package var operations: Int64 { plan.operations }
    package var verification: VerificationClass { TrainingVerifier.figures(plan) }

    /// Where few segments are many of all, the check's part of the work is paid too.
    package var priceUnits: Int64 {
        let checked = TrainingVerifier.checkedSegments(plan.segments)
        guard checked * 16 > plan.segments else { return computeUnits }
        // At most twice the units, which are at most 2^63 / 10^6.
        return computeUnits + (computeUnits * Int64(checked) + Int64(plan.segments) - 1) / Int64(plan.segments)
    }

    /// Two states, the engine's own and its values of a batch, the classes, and the rows of some steps.
    package var verifierBytes: Int {
        let batch = plan.layers.sizes.reduce(0) { $0 + $1 + 16 } * plan.batch
        let (bytes, overflow) = (4 * plan.stateCount + plan.layers.parameterCount).addingReportingOverflow(3 * batch + plan.examples + (1 << 21))
        return overflow || bytes > Int.max / 4 ? Int.max : 4 * bytes
    }

    package func capability(on backend: any ComputeBackend) -> Capability? { backend.capability(for: plan) }

    /// Throws `out_of_range` for a label that is no class; `non_finite_input` for a NaN or an infinity anywhere.
    package func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem) {
        for tensor in inputs where tensor.dtype == .f32 { try NonFinite.refuse(tensor) }
        if plan.loss == .crossEntropy, let labels = inputs.first(where: { $0.name == "labels" }) {
            _ = try TrainingData.classes(labels, below: plan.layers.sizes.last ?? 1)
        }
    }

    /// Throws `training_diverged` besides, naming the step whose loss was not finite.
    package func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem) {
        try train(inputs, outputs, backend, control)
    }

    package func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor] {
        var made: [Tensor] = []
        for output in outputs { made.append(try Tensor(zeros: output)) }
        try train(inputs, made, PlainEngine(), .none)
        return made
    }

    private func train(_ inputs: [Tensor], _ outputs: [Tensor], _ engine: any NeuralEngine, _ control: RunControl) throws(Problem) {
        let data = try data(inputs)
        var state = try start(inputs)
        let losses = try tensor(self.outputs[self.outputs.count - 2], in: outputs)
        let checkpoints = try tensor(self.outputs[self.outputs.count - 1], in: outputs)
        for segment in 0..<plan.segments {
            let steps = plan.steps(of: segment)
            let (done, share) = (Double(steps.lowerBound) / Double(plan.steps), Double(steps.count) / Double(plan.steps))
            let stretch = try engine.train(plan, data, steps: steps, state: &state, control: control.part(from: done, share))
            if let step = stretch.divergedAt {
                throw Problem(.trainingDiverged, "the loss at step \(step) of \(plan.steps) is not finite; a smaller rate may help")
            }
            losses.withMutableElements(as: Float.self) { for (index, step) in steps.enumerated() { $0[step] = stretch.losses[index] } }
            Self.write(state, to: checkpoints, at: segment * plan.stateCount, count: plan.stateCount, from: 0)
        }
        var place = 0
        for descriptor in self.outputs.dropLast(2) {
            Self.write(state, to: try tensor(descriptor, in: outputs), at: 0, count: descriptor.elementCount, from: place)
            place += descriptor.elementCount
        }
        try control.step(1)
    }

    private static func write(_ state: [Float], to tensor: Tensor, at place: Int, count: Int, from start: Int) {
        unsafe tensor.buffer.withUnsafeMutableBytes { raw in
            unsafe state.withUnsafeBytes { bytes in
                unsafe UnsafeMutableRawBufferPointer(rebasing: raw[4 * place..<4 * (place + count)])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[4 * start..<4 * (start + count)]))
            }
        }
    }

    private func data(_ tensors: [Tensor]) throws(Problem) -> TrainingData {
        try TrainingData(plan, x: try tensor(inputs[0], in: tensors), labels: try tensor(inputs[1], in: tensors))
    }

    private func start(_ tensors: [Tensor]) throws(Problem) -> [Float] {
        var given: [Tensor] = []
        for descriptor in inputs.dropFirst(2) { given.append(try tensor(descriptor, in: tensors)) }
        return try TrainingStart.state(plan, given: isStartGiven ? given : nil)
    }

    package func verify(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        var made: [Tensor] = []
        for descriptor in self.outputs { made.append(try tensor(descriptor, in: outputs)) }
        return try TrainingVerifier(plan: plan, passes: passes).verify(
            try data(inputs), start: try start(inputs), weights: Array(made.dropLast(2)), losses: made[made.count - 2],
            checkpoints: made[made.count - 1], challenge)
    }
}

extension NeuralLayers {
    /// `w0`, `b0`, `w1`, `b1`, …
    func weights() throws(Problem) -> [TensorDescriptor] {
        var weights: [TensorDescriptor] = []
        for layer in 0..<count {
            weights.append(try TensorDescriptor(name: "w\(layer)", dtype: .f32, shape: [sizes[layer], sizes[layer + 1]]))
            weights.append(try TensorDescriptor(name: "b\(layer)", dtype: .f32, shape: [sizes[layer + 1]]))
        }
        return weights
    }

    /// Throws unless `given` are the weights and biases, in any order.
    func check(_ given: [TensorDescriptor]) throws(Problem) {
        for wanted in try weights() {
            guard let found = given.first(where: { $0.name == wanted.name }) else { throw Problem(.missingField, "there is no input \"\(wanted.name)\"") }
            guard found.dtype == .f32 else { throw Problem(.unsupportedDtype, "\(found.name) is F32, not \(found.dtype.rawValue)") }
            guard found.shape == wanted.shape else { throw Problem(.shapeMismatch, "\(found.name) has shape \(found.shape), not \(wanted.shape)") }
        }
        guard given.count == 2 * count else { throw Problem(.badParams, "there are inputs besides x, labels, and each layer's w and b") }
    }
}

extension NonFinite {
    /// Throws `non_finite_input` if an F32 tensor holds a NaN or an infinity, naming the first.
    static func refuse(_ tensor: Tensor) throws(Problem) {
        if tensor.largestMagnitude.isFinite { return }
        try tensor.withElements(as: UInt32.self) { bits throws(Problem) in
            for index in bits.indices where bits[index] & 0x7f80_0000 == 0x7f80_0000 {
                throw Problem(.nonFiniteInput, "element \(index) of \(tensor.name) is a NaN or an infinity")
            }
        }
    }
}
