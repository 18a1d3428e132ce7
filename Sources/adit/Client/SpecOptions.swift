import ArgumentParser
import Jobs
import Kernels
import Wire

/// Any kernel by its name, its parameters as JSON and its inputs by name: what PROTOCOL section 9 offers and no command of its own covers.
struct SpecOptions: WorkOptions {
    static var kernel: String { "spec" }
    static var abstract: String { "any kernel: its name, its parameters as JSON, its inputs by name." }
    static var example: String { #"--type softmax --params '{}' --input x=X.safetensors --out Y.safetensors --wait --devnet data/devnet"# }

    static var notes: String? {
        """
        Kernels without a command of their own:
        softmax: x, F32 or F64, over the last dimension; no parameters.
        layernorm: x, and gamma and beta of its last dimension if wanted; {"epsilon": "0.00001"}.
        reduce: x; {"operation": "sum", "axes": [1], "keepdims": true}, also with mean, min, max, product, argmin, argmax.
        """
    }

    @Option(help: ArgumentHelp("The kernel: \(KernelRegistry.names.joined(separator: ", ")).", valueName: "kernel")) var type: String
    @Option(help: ArgumentHelp("Its parameters: a JSON object, reals as strings.", valueName: "json")) var params = "{}"
    @Option(
        name: .customLong("input"),
        help: ArgumentHelp("An input: NAME=FILE.safetensors, NAME=FILE.safetensors#TENSOR or NAME=FILE.npy; may be repeated.", valueName: "name=file"))
    var inputs: [String] = []
    @OptionGroup var needs: RequirementOptions

    func validate() throws {
        guard KernelRegistry.names.contains(type) else {
            throw ValidationError("There is no kernel \"\(type)\"; there are \(KernelRegistry.names.joined(separator: ", ")).")
        }
        for input in inputs where input.split(separator: "=", maxSplits: 1).count != 2 {
            throw ValidationError("--input takes NAME=FILE, not \"\(input)\".")
        }
    }

    func job() throws(Problem) -> PreparedJob {
        var files: [any JobInput] = []
        for input in inputs {
            let parts = input.split(separator: "=", maxSplits: 1)
            files.append(try TensorFile(TensorArgument(String(parts[1])), as: String(parts[0])))
        }
        return try PreparedJob(kernel: type, params: try JSON.parse([UInt8](params.utf8)), inputs: files, requirements: try needs.requirements())
    }
}
