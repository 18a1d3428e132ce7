import ArgumentParser
import Jobs
import Kernels
import Wire

/// Handwritten digits: a network of 64 hidden units is trained, and then reads digits that it has never seen.
struct DigitsExample: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "digits", abstract: "Train a network on handwritten digits as a paid job, then have it read others; at least 95 % must be right.")

    /// Of the test part's images.
    static let goal = 0.95

    @OptionGroup var options: ExampleOptions

    func run() async throws {
        let folder = if let examples = options.examples { examples } else { try ExampleFiles.folder() }
        let jobs = PaidJob(client: try await options.client.client(), say: { Terminal.say("  " + $0) })
        let network = options.dir + "/digits-network.safetensors"
        let (train, test) = (folder + "/digits-train.safetensors", folder + "/digits-test.safetensors")

        Terminal.say("Training: 64 → 64 → 10 on 1,437 images, 1,200 steps of 128")
        let data = try InputFiles.open([("x", train + "#x"), ("labels", train + "#y")])
        try await jobs.run(try PreparedJob(kernel: MLPTrainKernel.name, params: Self.training, inputs: data, requirements: .none), to: network)
        Terminal.say("  file       \(network): w0, b0, w1, b1 and the losses")

        Terminal.say("Inference: 360 images that the training has not seen")
        let answers = options.dir + "/digits-answers.safetensors"
        let parts = ["w0", "b0", "w1", "b1"].map { (name: $0, argument: Optional("\(network)#\($0)")) }
        let inputs = try InputFiles.open([("x", test + "#x")] + parts)
        let forward = try PreparedJob(kernel: MLPForwardKernel.name, params: ["activations": ["relu", "softmax"]], inputs: inputs, requirements: .none)
        try await jobs.run(forward, to: answers)
        let share = try Self.accuracy(answers, labels: test + "#y")
        Terminal.say("  file       \(answers): the probabilities of 0 … 9 for each image")
        Terminal.say("  accuracy   \(Figures.rounded(share, 4)) of the test images are read right")
        guard share >= Self.goal else { throw Problem(.outputMismatch, "at least \(Self.goal) was to be expected") }
    }

    static let training: JSON = [
        "sizes": [64, 10], "activations": ["relu", "softmax"], "loss": "cross_entropy", "optimiser": "sgd", "rate": "0.1", "momentum": "0.9",
        "seed": .string(SHA256.hash(utf8: "adit.example.digits").hex), "steps": 1200, "batch": 128, "segments": 120,
    ]

    private static func accuracy(_ answers: String, labels: String) throws(Problem) -> Double {
        let y = try TensorFile(TensorArgument(answers + "#y"), as: "y").tensor
        let expected = try TensorFile(TensorArgument(labels), as: "y").tensor
        let right = y.withElements(as: Float.self) { y in
            expected.withElements(as: Int64.self) { expected in
                expected.indices.count { row in
                    let best = (0..<10).max { y[row * 10 + $0] < y[row * 10 + $1] }
                    return best.map(Int64.init) == expected[row]
                }
            }
        }
        return Double(right) / Double(max(expected.descriptor.elementCount, 1))
    }
}
