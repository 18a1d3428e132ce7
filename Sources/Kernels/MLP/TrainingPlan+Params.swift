import Wire

extension TrainingPlan {
    /// Reads the members `sizes`, `activations`, `loss`, `optimiser` and its numbers, `seed`, `steps`, `batch`, `segments`, `arithmetic`.
    ///
    /// - Parameters: inputs: columns of the data. examples: its rows.
    /// - Throws: `bad_params`, `missing_field`, `wrong_type`, `bad_hex`, `out_of_range`.
    init(reading fields: inout JSONFields, inputs: Int, examples: Int) throws(Problem) {
        var sizes = [inputs]
        for element in try fields.array("sizes", maxCount: NeuralLayers.maximumCount) {
            guard case .integer(let size) = element else { throw Problem(.notAnInteger, "sizes holds something that is not an integer") }
            guard (1...Int64(NeuralLayers.widest)).contains(size) else { throw Problem(.outOfRange, "a layer's size is in 1...\(NeuralLayers.widest)") }
            sizes.append(Int(size))
        }
        let activations = try Self.activations(&fields)
        let lossName = try fields.string("loss", maxBytes: 32)
        guard let loss = TrainingLoss(rawValue: lossName) else {
            throw Problem(.badParams, "no loss \"\(lossName)\"; there are cross_entropy and squared_error")
        }
        let optimiser = try Self.optimiser(&fields)
        let seed = try fields.digest("seed")
        let limit = Int64(TensorDescriptor.maximumDimension)
        let steps = Int(try fields.integer("steps", in: 1...limit))
        let batch = Int(try fields.integer("batch", in: 1...Int64(Self.largestBatch)))
        let segments = try fields.optionalInteger("segments", in: 1...Int64(Self.mostSegments)).map { Int($0) }
        let arithmetic = try fields.optionalString("arithmetic", maxBytes: 32) ?? "reproducible"
        guard arithmetic == "reproducible" else {
            // docs/decisions/0010.
            throw Problem(
                .badParams,
                "training has \"reproducible\" arithmetic alone: a part of it is repeated to the bit, and steps in a free order drift apart without bound"
            )
        }
        try self.init(
            layers: try NeuralLayers(sizes: sizes, activations: activations), loss: loss, optimiser: optimiser, seed: seed, examples: examples,
            steps: steps, batch: batch, segments: segments ?? min(steps, Self.usualSegments))
    }

    /// So many that checking eight and both ends costs a tenth.
    static let usualSegments = 100

    static func activations(_ fields: inout JSONFields) throws(Problem) -> [LayerActivation] {
        var activations: [LayerActivation] = []
        for element in try fields.array("activations", maxCount: NeuralLayers.maximumCount) { activations.append(try LayerActivation.named(element)) }
        return activations
    }

    private static func optimiser(_ fields: inout JSONFields) throws(Problem) -> TrainingOptimiser {
        let name = try fields.optionalString("optimiser", maxBytes: 32) ?? "sgd"
        // A rate may be large, so that a divergence is the client's to see; but it is a number.
        let rate = try RealText.read("rate", &fields, in: 0...1e30)
        switch name {
        case "sgd":
            return .sgd(rate: rate, momentum: try RealText.read("momentum", &fields, in: 0...1, default: 0))
        case "adam":
            // 1 would leave nothing of a new gradient, and a correction of the bias by 0.
            let (beta1, beta2) = (
                try RealText.read("beta1", &fields, in: 0...0.999_999, default: 0.9), try RealText.read("beta2", &fields, in: 0...0.999_999, default: 0.999)
            )
            return .adam(rate: rate, beta1: beta1, beta2: beta2, epsilon: try RealText.read("epsilon", &fields, in: 1e-30...1, default: 1e-8))
        default: throw Problem(.badParams, "no optimiser \"\(name)\"; there are sgd and adam")
        }
    }
}
