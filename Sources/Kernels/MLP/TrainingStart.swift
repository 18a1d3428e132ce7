import Wire

/// The state before the first step: given weights and biases, or ones drawn from the seed; moments 0.
///
/// Drawn weights of layer i are random F32 elements (PROTOCOL section 9, "Random inputs") of the seed SHA-256("adit.mlp-weights.v1|seed|i"),
/// each times √(6/in) before relu and gelu (He 2015), √(6/(in+out)) otherwise (Glorot 2010), rounded to binary32 first. Biases are 0.
enum TrainingStart {
    /// - Parameter given: w0, b0, w1, b1, …, in this order; nil: drawn.
    static func state(_ plan: TrainingPlan, given: [Tensor]?) throws(Problem) -> [Float] {
        var state: [Float] = []
        state.reserveCapacity(plan.stateCount)
        if let given {
            for tensor in given { tensor.withElements(as: Float.self) { for index in $0.indices { state.append($0[index]) } } }
        } else {
            for layer in 0..<plan.layers.count {
                let (rows, columns) = (plan.layers.sizes[layer], plan.layers.sizes[layer + 1])
                let descriptor = try TensorDescriptor(name: "w\(layer)", dtype: .f32, shape: [rows, columns])
                let scale = Float(scale(plan.layers.activations[layer], rows, columns))
                let drawn = try RandomTensor(seed: SHA256.hash(utf8: "adit.mlp-weights.v1|\(plan.seed.hex)|\(layer)"), descriptor: descriptor).generate()
                drawn.withElements(as: Float.self) { for index in $0.indices { state.append($0[index] * scale + 0) } }
                state.append(contentsOf: repeatElement(0, count: columns))
            }
        }
        state.append(contentsOf: repeatElement(0, count: max(0, plan.stateCount - state.count)))
        return state
    }

    private static func scale(_ activation: LayerActivation, _ inputs: Int, _ outputs: Int) -> Double {
        switch activation {
        case .relu, .gelu: (6 / Double(inputs)).squareRoot()
        case .none, .tanh, .softmax: (6 / Double(inputs + outputs)).squareRoot()
        }
    }
}
