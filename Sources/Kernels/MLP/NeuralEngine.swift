package import Wire

/// What runs a network's parts: a backend for the work, a verifier's passes to do some of it again. All to the bit.
///
/// `PlainEngine` is the definition in plain Swift; an implementation that says nothing can't do it.
package protocol NeuralEngine {
    /// Runs `steps` of a training from `state`, which is left as it is after them.
    ///
    /// - Parameter state: `plan.stateCount` numbers: parameters, then first, then second moments, each layer by layer, weights before biases.
    /// - Throws: `canceled`, `memory_limit`, `shape_mismatch`; `unsupported_dtype` where it can't.
    func train(_ plan: TrainingPlan, _ data: TrainingData, steps: Range<Int>, state: inout [Float], control: RunControl) throws(Problem) -> TrainingStretch

    /// y = activation(product + bias), in canonical bits.
    ///
    /// - Throws: `canceled`; `shape_mismatch` unless the tensors are the layer's; `unsupported_dtype` where it can't.
    func activate(_ layer: LayerOutput, product: Tensor, bias: Tensor, into y: Tensor, control: RunControl) throws(Problem)
}

/// What comes behind a layer's product, for `rows` of `columns` numbers in binary32.
///
/// z = product + bias, rounded once; then the activation. Softmax of a row: m its largest, e = exp(z − m), s = Σ e in panels of 256, e / s.
package struct LayerOutput: Sendable, Hashable {
    package let rows: Int
    package let columns: Int
    package let activation: LayerActivation

    package init(rows: Int, columns: Int, activation: LayerActivation) {
        (self.rows, self.columns, self.activation) = (rows, columns, activation)
    }

    /// Throws `shape_mismatch` unless the tensors are this layer's. Called before memory is touched.
    package func check(product: Tensor, bias: Tensor, y: Tensor) throws(Problem) {
        for (tensor, shape) in [(product, [rows, columns]), (bias, [columns]), (y, [rows, columns])] {
            guard tensor.dtype == .f32, tensor.shape == shape else {
                throw Problem(.shapeMismatch, "tensor \(tensor.name) is \(tensor.dtype.rawValue) \(tensor.shape), the layer needs F32 \(shape)")
            }
        }
    }

    /// A row's outputs, by the definition.
    func row(_ product: [Float], _ bias: [Float]) -> [Float] {
        var z = zip(product, bias).map { $0 + $1 }
        if activation == .softmax {
            let largest = z.reduce(-Float.infinity) { $1 > $0 ? $1 : $0 }
            z = z.map { Float.exp($0 - largest) }
            let sum: Float = Panel256.sum(count: columns) { $0 = $0 + z[$1] }
            return z.map { $0 / sum }
        }
        return z.map { activation.apply($0) }
    }
}

/// The definition: slow, and what everything else is compared with.
package struct PlainEngine: NeuralEngine {
    package init() {}

    package func train(
        _ plan: TrainingPlan, _ data: TrainingData, steps: Range<Int>, state: inout [Float], control: RunControl
    ) throws(Problem) -> TrainingStretch {
        try PlainTraining.train(plan, data, steps: steps, state: &state, control: control)
    }

    package func activate(_ layer: LayerOutput, product: Tensor, bias: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try layer.check(product: product, bias: bias, y: y)
        let columns = layer.columns
        let offsets = bias.withElements(as: Float.self) { bias in (0..<columns).map { bias[$0] } }
        product.withElements(as: Float.self) { product in
            y.withMutableElements(as: UInt32.self) { y in
                for row in 0..<layer.rows {
                    let values = layer.row((0..<columns).map { product[row * columns + $0] }, offsets)
                    for (column, value) in values.enumerated() { y[row * columns + column] = UInt32(truncatingIfNeeded: Panel256.canonicalBits(value)) }
                }
            }
        }
    }
}

extension ComputeBackend {
    package func capability(for training: TrainingPlan) -> Capability? { nil }
    package func capability(for layer: LayerOutput) -> Capability? { nil }

    package func train(
        _ plan: TrainingPlan, _ data: TrainingData, steps: Range<Int>, state: inout [Float], control: RunControl
    ) throws(Problem) -> TrainingStretch {
        throw Problem(.unsupportedDtype, "\(name) does not train")
    }

    package func activate(_ layer: LayerOutput, product: Tensor, bias: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        throw Problem(.unsupportedDtype, "\(name) does not run layers")
    }
}

/// Passes without a faster way use the definition.
extension VerifierPasses {
    package func train(
        _ plan: TrainingPlan, _ data: TrainingData, steps: Range<Int>, state: inout [Float], control: RunControl
    ) throws(Problem) -> TrainingStretch {
        try PlainEngine().train(plan, data, steps: steps, state: &state, control: control)
    }

    package func activate(_ layer: LayerOutput, product: Tensor, bias: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try PlainEngine().activate(layer, product: product, bias: bias, into: y, control: control)
    }

    package func firstWrong(_ layer: LayerOutput, product: Tensor, bias: Tensor, y: Tensor) throws(Problem) -> Int? {
        let expected = try Tensor(zeros: y.descriptor)
        try PlainEngine().activate(layer, product: product, bias: bias, into: expected, control: .none)
        return y.withElements(as: UInt32.self) { found in
            expected.withElements(as: UInt32.self) { expected in found.indices.first { found[$0] != expected[$0] } }
        }
    }
}
