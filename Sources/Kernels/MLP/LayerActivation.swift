package import Wire

/// What a layer does to its sums, element by element; `softmax` row by row, and only in the last layer.
package enum LayerActivation: String, CaseIterable, Sendable, Hashable {
    case none, relu, gelu, tanh, softmax

    /// The activation's number in `adit_kernels.h`: its place in this list.
    package var code: UInt8 { UInt8(Self.allCases.firstIndex(of: self) ?? 0) }

    static func named(_ json: JSON) throws(Problem) -> LayerActivation {
        guard case .string(let name) = json else { throw Problem(.wrongType, "activations are named by strings") }
        guard let activation = LayerActivation(rawValue: name) else {
            let known = allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(.badParams, "no activation \"\(name.prefix(64))\"; there are \(known)")
        }
        return activation
    }

    /// One element's value; the identity for softmax, which isn't of one element.
    func apply(_ x: Float) -> Float {
        switch self {
        case .none, .softmax: x
        case .relu: x < 0 ? 0 : x
        case .gelu: Float.gelu(x)
        case .tanh: Float.tanh(x)
        }
    }

    /// `gradient` times the derivative at x, of which y is the value.
    func chain(_ gradient: Float, x: Float, y: Float) -> Float {
        switch self {
        case .none, .softmax: return gradient
        case .relu: return y > 0 ? gradient : 0
        case .tanh: return gradient * Float(1).addingProduct(-y, y)
        case .gelu: return gradient * Float.geluSlope(x)
        }
    }
}

/// The layers of a network: the numbers that each takes and gives, and its activation.
package struct NeuralLayers: Sendable, Hashable {
    package static let maximumCount = 32
    package static let widest = 1 << 20

    /// Inputs, then every layer's outputs: one more than there are layers.
    package let sizes: [Int]
    package let activations: [LayerActivation]
    /// Weights and biases of all layers.
    package let parameterCount: Int
    /// Σ in·out.
    package let weightCount: Int

    /// - Throws: `bad_params` for no layers, too many, or softmax before the last; `out_of_range` for a size not in 1...2^20.
    package init(sizes: [Int], activations: [LayerActivation]) throws(Problem) {
        guard (1...Self.maximumCount).contains(activations.count), sizes.count == activations.count + 1 else {
            throw Problem(.badParams, "a network has 1 to \(Self.maximumCount) layers, each with its activation")
        }
        guard !activations.dropLast().contains(.softmax) else { throw Problem(.badParams, "softmax can only be the last layer's activation") }
        var (parameters, weights) = (0, 0)
        for (size, next) in zip(sizes, sizes.dropFirst()) {
            guard (1...Self.widest).contains(size), (1...Self.widest).contains(next) else {
                throw Problem(.outOfRange, "a layer's size is in 1...\(Self.widest)")
            }
            // Sizes of at most 2^20, 32 times: no overflow.
            weights += size * next
            parameters += size * next + next
        }
        (self.sizes, self.activations) = (sizes, activations)
        (parameterCount, weightCount) = (parameters, weights)
    }

    package var count: Int { activations.count }

    /// Where layer i's weights begin among the parameters; its biases follow them.
    func offset(_ layer: Int) -> Int { (0..<layer).reduce(0) { $0 + (sizes[$1] + 1) * sizes[$1 + 1] } }
}
