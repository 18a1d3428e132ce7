import ArgumentParser
import Kernels
import Wire

/// A network's answers as asked for on the command line.
struct ForwardOptions: WorkOptions {
    static var kernel: String { MLPForwardKernel.name }
    static var abstract: String { "a trained network's answers to rows of data." }
    static var example: String {
        "--x examples/digits-test.safetensors#x --network net.safetensors --activations relu,softmax --out y.safetensors --wait --devnet data/devnet"
    }

    @Option(help: ArgumentHelp("The data, a row each: FILE.safetensors, FILE.safetensors#NAME or FILE.npy.", valueName: "file")) var x: String
    @Option(help: ArgumentHelp("A file with w0, b0, w1, b1, …, as a training job writes it.", valueName: "file.safetensors")) var network: String
    @Option(help: ArgumentHelp("Each layer's: relu, gelu, gelu_tanh or none, softmax only at the end.", valueName: "name,name…")) var activations: String
    @OptionGroup var needs: RequirementOptions

    func job() throws(Problem) -> PreparedJob {
        var params = ParameterList()
        params.addWords("activations", activations)
        let layers = activations.split(separator: ",").indices.count
        let parts = (0..<layers).flatMap { [("w\($0)", "\(network)#w\($0)"), ("b\($0)", "\(network)#b\($0)")] }
        return try PreparedJob(
            kernel: Self.kernel, params: params.json, inputs: try InputFiles.open([("x", x)] + parts), requirements: try needs.requirements())
    }
}

/// A training as asked for on the command line.
struct TrainOptions: WorkOptions {
    static var kernel: String { MLPTrainKernel.name }
    static var abstract: String { "training a network of fully connected layers." }
    static var example: String {
        "--x examples/digits-train.safetensors#x --labels examples/digits-train.safetensors#y --sizes 64,10 --activations relu,softmax --rate 0.05"
            + " --momentum 0.9 --steps 1000 --out net.safetensors --wait --devnet data/devnet"
    }

    @Option(help: ArgumentHelp("The data, a row each: FILE.safetensors, FILE.safetensors#NAME or FILE.npy.", valueName: "file")) var x: String
    @Option(help: ArgumentHelp("Classes in I32 or I64 for cross_entropy, rows of F32 for squared_error.", valueName: "file")) var labels: String
    @Option(help: ArgumentHelp("The layers' outputs, such as 64,10.", valueName: "n,n…")) var sizes: String
    @Option(help: ArgumentHelp("Each layer's: relu, gelu, gelu_tanh or none, softmax only at the end.", valueName: "name,name…")) var activations: String
    @Option(help: "cross_entropy or squared_error.") var loss = "cross_entropy"
    @Option(help: "sgd or adam.") var optimiser = "sgd"
    @Option(help: "The learning rate, such as 0.05.") var rate: String
    @Option(help: "Of sgd.") var momentum: String?
    @Option(help: "Of adam.") var beta1: String?
    @Option(help: "Of adam.") var beta2: String?
    @Option(help: "Of adam.") var epsilon: String?
    @Option(help: ArgumentHelp("64 hex digits, or any words: the first weights and the order of the rows follow from it.")) var seed = "adit"
    @Option(help: "Steps of the training.") var steps: Int
    @Option(help: "Rows of a step.") var batch = 128
    @Option(help: "Parts that the training is checked by.") var segments: Int?
    @OptionGroup var needs: RequirementOptions

    func job() throws(Problem) -> PreparedJob {
        var params = ParameterList()
        try params.addList("sizes", sizes)
        params.addWords("activations", activations)
        for (key, value) in [
            ("loss", loss), ("optimiser", optimiser), ("rate", rate), ("momentum", momentum), ("beta1", beta1), ("beta2", beta2), ("epsilon", epsilon),
        ] { params.add(key, value) }
        params.add("seed", (Digest(hex: seed) ?? SHA256.hash(utf8: seed)).hex)
        params.add("steps", steps)
        params.add("batch", batch)
        params.add("segments", segments)
        return try PreparedJob(
            kernel: Self.kernel, params: params.json, inputs: try InputFiles.open([("x", x), ("labels", labels)]), requirements: try needs.requirements())
    }
}
