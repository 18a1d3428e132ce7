import ArgumentParser
import Jobs
import Kernels
import Wire

/// A product C = op(A)·op(B) as given on the command line.
struct GemmOptions: ParsableArguments {
    @Argument(help: "The kernel: gemm.") var kernel: String
    @Option(help: "Matrix A: FILE.safetensors or FILE.safetensors#NAME.") var a: String
    @Option(help: "Matrix B, likewise.") var b: String
    @Flag(name: .customLong("transpose-a"), help: "Use Aᵀ.") var transposeA = false
    @Flag(name: .customLong("transpose-b"), help: "Use Bᵀ.") var transposeB = false
    @Option(name: .customLong("min-tier"), help: "The lowest tier of worker: feedback, inference, aggregator, trainer.") var minTier: String?
    @Option(name: .customLong("memory-mb"), help: "Memory that the worker must have, in MiB.") var memoryMB: Int?

    func validate() throws {
        guard KernelRegistry.names.contains(kernel) else {
            throw ValidationError("There is no kernel \"\(kernel)\"; known: \(KernelRegistry.names.joined(separator: ", ")).")
        }
    }

    /// Opens both files and hashes them; the same bytes are one blob.
    func job() throws(Problem) -> PreparedJob {
        let files = [try TensorFile(TensorArgument(a), as: "a"), try TensorFile(TensorArgument(b), as: "b")]
        var params: [(String, JSON)] = []
        if transposeA { params.append(("transpose_a", true)) }
        if transposeB { params.append(("transpose_b", true)) }
        let tier = try minTier.map { (name) throws(Problem) in try Tier(name: name) }
        return try PreparedJob(
            kernel: kernel, params: .object(JSONObject(distinct: params)), files: files, requirements: Requirements(minTier: tier, memoryMB: memoryMB))
    }
}

/// A spec with the files its inputs come from, checked as the coordinator will check it.
struct PreparedJob {
    let spec: JobSpec
    let kernel: any Kernel
    let files: [TensorFile]
    let roots: [Digest]

    init(kernel: String, params: JSON, files: [TensorFile], requirements: Requirements) throws(Problem) {
        var roots: [Digest] = []
        for (index, file) in files.enumerated() {
            let same = files[..<index].firstIndex { $0.path == file.path && $0.range == file.range }
            roots.append(same.map { roots[$0] } ?? file.tensor.root)
        }
        let inputs = zip(files, roots).map { InputSpec($0.tensor.descriptor, .blob($1)) }
        spec = try JobSpec(type: kernel, params: params, inputs: inputs, requirements: requirements)
        self.kernel = try spec.kernel()
        self.files = files
        self.roots = roots
    }
}
