package import Wire

/// What a network is trained for.
package enum TrainingLoss: String, CaseIterable, Sendable, Hashable {
    /// Of class labels, behind a softmax.
    case crossEntropy = "cross_entropy"
    /// The mean over all outputs.
    case squaredError = "squared_error"
}

/// How parameters follow their gradients.
package enum TrainingOptimiser: Sendable, Hashable {
    /// v = momentum·v + g; w = w − rate·v. Without momentum (0) there is no v.
    case sgd(rate: Double, momentum: Double)
    /// Kingma and Ba 2015, with both corrections of the bias.
    case adam(rate: Double, beta1: Double, beta2: Double, epsilon: Double)

    /// Moments kept beside each parameter.
    package var moments: Int {
        switch self {
        case .sgd(_, let momentum): momentum == 0 ? 0 : 1
        case .adam: 2
        }
    }
}

/// A training, to the last detail but the data: everything from which its bits follow.
///
/// Steps are cut into segments; the state after each (weights, biases, moments) is a checkpoint from which the next one can be run
/// again alone. Every product of sizes that anything here needs fits an `Int`.
package struct TrainingPlan: Sendable, Hashable {
    package let layers: NeuralLayers
    package let loss: TrainingLoss
    package let optimiser: TrainingOptimiser
    package let seed: Digest
    /// Rows of data.
    package let examples: Int
    package let steps: Int
    package let batch: Int
    package let segments: Int
    /// 6·steps·batch·Σ in·out.
    package let operations: Int64
    /// Parameters and moments.
    package let stateCount: Int

    /// - Throws: `bad_params` if the last activation doesn't fit the loss; `out_of_range`.
    package init(
        layers: NeuralLayers, loss: TrainingLoss, optimiser: TrainingOptimiser, seed: Digest, examples: Int, steps: Int, batch: Int, segments: Int
    ) throws(Problem) {
        let isSoftmax = layers.activations.last == .softmax
        guard isSoftmax == (loss == .crossEntropy) else {
            throw Problem(.badParams, "cross_entropy takes softmax as the last activation, squared_error any other")
        }
        guard (1...TensorDescriptor.maximumDimension).contains(examples) else { throw Problem(.outOfRange, "training needs at least one row of data") }
        guard (1...Self.largest).contains(steps) else { throw Problem(.outOfRange, "steps are in 1...\(Self.largest)") }
        guard (1...Self.largestBatch).contains(batch) else { throw Problem(.outOfRange, "a batch is in 1...\(Self.largestBatch)") }
        guard (1...min(steps, Self.mostSegments)).contains(segments) else {
            throw Problem(.outOfRange, "segments are in 1...\(Self.mostSegments), and no more than steps")
        }
        let perStep = try Checked.product(try Checked.product(6, batch, "the operations"), layers.weightCount, "the operations")
        operations = Int64(try Checked.product(perStep, steps, "the operations"))
        stateCount = try Checked.product(layers.parameterCount, 1 + optimiser.moments, "the state")
        (self.layers, self.loss, self.optimiser, self.seed) = (layers, loss, optimiser, seed)
        (self.examples, self.steps, self.batch, self.segments) = (examples, steps, batch, segments)
    }

    private static let largest = TensorDescriptor.maximumDimension
    package static let largestBatch = 1 << 20
    package static let mostSegments = 1 << 16

    /// The steps of a segment: as many as of any other, or one more.
    package func steps(of segment: Int) -> Range<Int> { segment * steps / segments..<(segment + 1) * steps / segments }

    /// What the rows' losses are divided by, and what the outputs' gradients are multiplied with.
    package var lossDivisor: Float { loss == .crossEntropy ? Float(batch) : Float(batch * (layers.sizes.last ?? 1)) }
    package var gradientScale: Float { Float((loss == .crossEntropy ? 1 : 2) / Double(lossDivisor)) }

    /// The optimiser's numbers at each of `steps`, rounded once to binary32.
    ///
    /// `epsilons` are empty but for Adam, whose corrections of the bias are taken into both: with c = 1 − β^t, t = step + 1, the powers by
    /// repeated multiplication in binary64, a rate is rate·√c₂/c₁ and an epsilon is epsilon·√c₂.
    package func rates(_ steps: Range<Int>) -> (rates: [Float], epsilons: [Float]) {
        switch optimiser {
        case .sgd(let rate, _): return (Array(repeating: Float(rate), count: steps.count), [])
        case .adam(let rate, let beta1, let beta2, let epsilon):
            var (rates, epsilons): ([Float], [Float]) = ([], [])
            var (power1, power2) = (1.0, 1.0)
            for step in 0..<steps.upperBound {
                power1 *= beta1
                power2 *= beta2
                guard step >= steps.lowerBound else { continue }
                let root = (1 - power2).squareRoot()
                rates.append(Float(rate * root / (1 - power1)))
                epsilons.append(Float(epsilon * root))
            }
            return (rates, epsilons)
        }
    }

    /// The optimiser's other numbers, in binary32: what is kept of each moment, and the share of the new.
    package var decays: (first: Float, firstShare: Float, second: Float, secondShare: Float) {
        switch optimiser {
        case .sgd(_, let momentum): (Float(momentum), 1, 0, 0)
        case .adam(_, let beta1, let beta2, _): (Float(beta1), Float(1 - beta1), Float(beta2), Float(1 - beta2))
        }
    }
}
