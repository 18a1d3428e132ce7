import ArgumentParser
import Jobs
import Kernels
import Wire

/// A chain of operations over a tensor, perhaps with others, as given on the command line.
struct ComputeOptions: WorkOptions {
    static var kernel: String { ComputeKernel.name }
    static var abstract: String { "a chain of element-wise operations and reductions over a tensor of F32 or F64, with numbers and other tensors." }
    static var example: String { "--values 1,2,3,4,5 --operations square,sum --wait --devnet data/devnet" }

    private static var elementWise: String { names(ComputeStep.allCases.filter { !$0.isReduction }) }
    private static var reductions: String { names(ComputeStep.allCases.filter(\.isReduction)) }
    private static var combined: String { ComputeOperation.Combination.allCases.map(\.rawValue).joined(separator: ", ") }
    private static func names(_ steps: [ComputeStep]) -> String { steps.map(\.rawValue).joined(separator: ", ") }

    @Option(help: ArgumentHelp("The input: FILE.safetensors, FILE.safetensors#NAME or FILE.npy.", valueName: "file")) var x: String?
    @Option(parsing: .unconditional, help: "The input as numbers, such as 1,2.5,-3: up to \(InlineTask.maxElements), taken as F64.") var values: String?
    @Option(
        name: .customLong("with"), parsing: .singleValue,
        help: ArgumentHelp(
            "Another input, such as b=FILE.npy: of x's shape, of its last dimension, or of one element. May be given again.", valueName: "name=file"))
    var others: [String] = []
    @Option(
        help: ArgumentHelp(
            """
            What is done, in order, such as square,sum: of each element \(elementWise); with a number or another input, such as add:2.5 or add:b, \(combined); \
            pow:3, clamp:-1:1, leaky_relu:0.01; of all together \(reductions).
            """, valueName: "name,name…"))
    var operations: String
    @OptionGroup var needs: RequirementOptions

    private var steps: [String] { operations.split(separator: ",", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } } }

    func validate() throws {
        guard (x == nil) != (values == nil) else { throw ValidationError("Give the input as --x FILE or as --values 1,2,3.") }
        for step in steps where !ComputeKernel.operationNames.contains(String(step.prefix { $0 != ":" })) {
            throw ValidationError("There is no operation \"\(step)\"; there are \(ComputeKernel.operationNames.joined(separator: ", ")).")
        }
        guard steps.count <= ComputeChain.maximumSteps else {
            throw ValidationError("--operations has \(steps.count) names; up to \(ComputeChain.maximumSteps) are taken.")
        }
    }

    func job() throws(Problem) -> PreparedJob {
        let input: any JobInput = if let x { try TensorFile(TensorArgument(x), as: "x") } else { try TypedInput(values ?? "", as: "x") }
        var inputs = [input]
        for other in others {
            let parts = other.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw Problem(.badParams, "--with takes a name and a file, such as b=FILE.npy, not \"\(other.prefix(64))\"") }
            inputs.append(try TensorFile(TensorArgument(parts[1]), as: parts[0]))
        }
        return try PreparedJob(
            kernel: Self.kernel, params: ["operations": .array(steps.map(Self.operation))], inputs: inputs, requirements: try needs.requirements())
    }

    /// `name`, `name:number`, `name:input` or `clamp:lo:hi` as a spec has it; what is wrong with it the kernel says.
    private static func operation(_ text: String) -> JSON {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: return .string(text)
        case 2:
            let isNumber = parts[1].first.map { $0 == "-" || $0.isNumber } ?? false
            return ["op": .string(parts[0]), isNumber ? "value" : "with": .string(parts[1])]
        case 3: return ["op": .string(parts[0]), "lo": .string(parts[1]), "hi": .string(parts[2])]
        default: return .string(text)
        }
    }
}
