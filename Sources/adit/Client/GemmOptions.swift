import ArgumentParser
import Jobs
import Kernels
import Wire

/// A product C = op(A)·op(B) as given on the command line.
struct GemmOptions: WorkOptions {
    static var kernel: String { GEMMKernel.name }
    static var abstract: String { "a matrix product C = A·B, of I8, F32 or F64." }
    static var example: String { "--a X.safetensors#x --b Y.safetensors#y --transpose-b --out C.safetensors --wait --devnet data/devnet" }

    @Option(help: ArgumentHelp("Matrix A: FILE.safetensors, FILE.safetensors#NAME or FILE.npy.", valueName: "file")) var a: String
    @Option(help: ArgumentHelp("Matrix B, likewise.", valueName: "file")) var b: String
    @Flag(name: .customLong("transpose-a"), help: "Use Aᵀ.") var transposeA = false
    @Flag(name: .customLong("transpose-b"), help: "Use Bᵀ.") var transposeB = false
    @OptionGroup var needs: RequirementOptions

    func job() throws(Problem) -> PreparedJob {
        let files = [try TensorFile(TensorArgument(a), as: "a"), try TensorFile(TensorArgument(b), as: "b")]
        var params: [(String, JSON)] = []
        if transposeA { params.append(("transpose_a", true)) }
        if transposeB { params.append(("transpose_b", true)) }
        return try PreparedJob(kernel: Self.kernel, params: .object(JSONObject(distinct: params)), inputs: files, requirements: try needs.requirements())
    }
}
