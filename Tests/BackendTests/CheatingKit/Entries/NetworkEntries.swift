import Kernels
import TestSupport
import Wire

@testable import Kernels

extension CheatingKit {
    /// `mlp.forward`: three layers, the first two of one shape.
    static let networks: [KitEntry] = [network("F32, bits", "reproducible"), network("F32, numeric", "free")]

    private static func network(_ title: String, _ order: JSON) -> KitEntry {
        KitEntry("mlp.forward", title, "30 to 60 rows, layers 40 → 40 → 40 → 10: relu, tanh, softmax") { workshop, random in
            let rows = random.draw(30...60)
            let sizes = [40, 40, 40, 10]
            var descriptors = [try TensorDescriptor(name: "x", dtype: .f32, shape: [rows, sizes[0]])]
            for layer in 0..<3 {
                descriptors.append(try TensorDescriptor(name: "w\(layer)", dtype: .f32, shape: [sizes[layer], sizes[layer + 1]]))
                descriptors.append(try TensorDescriptor(name: "b\(layer)", dtype: .f32, shape: [sizes[layer + 1]]))
            }
            func kernel(_ activations: String...) throws -> any Kernel {
                try workshop.kernel(MLPForwardKernel.name, [("activations", .array(activations.map { .string($0) })), ("arithmetic", order)], descriptors)
            }
            let right = try kernel("relu", "tanh", "softmax")
            let inputs = try workshop.normal(descriptors, &random)
            let others = try workshop.run(right, inputs, with: try workshop.normal([descriptors[0]], &random)[0])
            var job = try CheatedJob(right, inputs, others: others, workshop) { name in
                name == "y" ? .always : .product(right.arithmetic, n: name == "product2" ? 10 : 40, k: 40)
            }
            job.special = Cheat.lowerPrecisions(right, inputs, ["x", "w0", "w1", "w2"], workshop)
            job.special += [
                .passedOff("a layer's bias left out") { try workshop.run(right, inputs, with: try inputs[2].zeroed()) },
                .passedOff("the last layer's bias left out") { try workshop.run(right, inputs, with: try inputs[6].zeroed()) },
                .passedOff("a layer's activation left out") { try workshop.run(try kernel("none", "tanh", "softmax"), inputs) },
                .passedOff("softmax left out") { try workshop.run(try kernel("relu", "tanh", "none"), inputs) },
                .passedOff("another layer's weights") {
                    try workshop.run(right, inputs, with: try inputs[1].renamed("w1"), try inputs[3].renamed("w0"))
                },
            ]
            return job
        }
    }
}
