import ArgumentParser
import Jobs
import Kernels
import Wire

/// A product C = op(A)·op(B), or a batch of them, as given on the command line.
struct GemmOptions: WorkOptions {
    static var kernel: String { GEMMKernel.name }
    static var abstract: String { "a matrix product C = A·B, of I8, F32, F64 or BF16; of batches where the tensors have three dimensions." }
    static var example: String { "--a X.safetensors#x --b Y.safetensors#y --transpose-b --out C.safetensors --wait --devnet data/devnet" }

    @Option(help: ArgumentHelp("Matrix A: FILE.safetensors, FILE.safetensors#NAME or FILE.npy.", valueName: "file")) var a: String
    @Option(help: ArgumentHelp("Matrix B, likewise.", valueName: "file")) var b: String
    @Flag(name: .customLong("transpose-a"), help: "Use Aᵀ.") var transposeA = false
    @Flag(name: .customLong("transpose-b"), help: "Use Bᵀ.") var transposeB = false
    @Option(help: "Of F32 and F64: reproducible (to the bit, the default) or free (any order, within a bound).") var arithmetic: String?
    @Option(help: ArgumentHelp("A vector that is added to every row of A·B.", valueName: "file")) var bias: String?
    @Option(help: "Applied to every element at the end: none, relu, gelu or gelu_tanh.") var activation: String?
    @OptionGroup var needs: RequirementOptions

    func job() throws(Problem) -> PreparedJob {
        let inputs = try InputFiles.open([("a", a), ("b", b), ("bias", bias)])
        var params = ParameterList()
        if transposeA { params.add("transpose_a", true) }
        if transposeB { params.add("transpose_b", true) }
        params.add("arithmetic", arithmetic)
        params.add("activation", activation)
        return try PreparedJob(kernel: Self.kernel, params: params.json, inputs: inputs, requirements: try needs.requirements())
    }
}
