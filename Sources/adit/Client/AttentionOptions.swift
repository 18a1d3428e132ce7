import ArgumentParser
import Kernels
import Wire

/// Attention as given on the command line.
struct AttentionOptions: WorkOptions {
    static var kernel: String { AttentionKernel.name }
    static var abstract: String { "softmax(Q·Kᵀ·scale)·V of heads b×h×s×d, of F32 or BF16." }
    static var example: String { "--q Q.safetensors --k K.safetensors --v V.safetensors --causal --out O.safetensors --wait --devnet data/devnet" }

    @Option(help: ArgumentHelp("Q, b×h×sq×d: FILE.safetensors, FILE.safetensors#NAME or FILE.npy.", valueName: "file")) var q: String
    @Option(help: ArgumentHelp("K, b×h×sk×d, likewise.", valueName: "file")) var k: String
    @Option(help: ArgumentHelp("V, b×h×sk×d, likewise.", valueName: "file")) var v: String
    @Flag(help: "A row sees no later ones; sq and sk are equal.") var causal = false
    @Option(help: "What Q·Kᵀ is multiplied by; 1/√d where not given.") var scale: String?
    @OptionGroup var needs: RequirementOptions

    func job() throws(Problem) -> PreparedJob {
        var params = ParameterList()
        if causal { params.add("causal", true) }
        params.add("scale", scale)
        return try PreparedJob(
            kernel: Self.kernel, params: params.json, inputs: try InputFiles.open([("q", q), ("k", k), ("v", v)]), requirements: try needs.requirements())
    }
}
