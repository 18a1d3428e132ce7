import ArgumentParser
import Jobs
import Kernels
import Wire

/// A chain of operations over one tensor as given on the command line.
struct ComputeOptions: WorkOptions {
    static var kernel: String { ComputeKernel.name }
    static var abstract: String { "a chain of element-wise operations and reductions over one tensor of F32 or F64." }
    static var example: String { "--values 1,2,3,4,5 --operations square,sum --wait --devnet data/devnet" }

    private static var elementWise: String { names(ComputeStep.allCases.filter { !$0.isReduction }) }
    private static var reductions: String { names(ComputeStep.allCases.filter(\.isReduction)) }
    private static func names(_ steps: [ComputeStep]) -> String { steps.map(\.rawValue).joined(separator: ", ") }

    @Option(help: ArgumentHelp("The input: FILE.safetensors, FILE.safetensors#NAME or FILE.npy.", valueName: "file")) var x: String?
    @Option(parsing: .unconditional, help: "The input as numbers, such as 1,2.5,-3: up to \(InlineTask.maxElements), taken as F64.") var values: String?
    @Option(
        help: ArgumentHelp(
            "What is done, in order, such as square,sum: of each element \(elementWise); of all together \(reductions).", valueName: "name,name…"))
    var operations: String
    @OptionGroup var needs: RequirementOptions

    private var steps: [String] { operations.split(separator: ",", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } } }

    func validate() throws {
        guard (x == nil) != (values == nil) else { throw ValidationError("Give the input as --x FILE or as --values 1,2,3.") }
        for step in steps where ComputeStep(rawValue: step) == nil {
            throw ValidationError("There is no operation \"\(step)\"; there are \(Self.elementWise), \(Self.reductions).")
        }
        guard steps.count <= ComputeChain.maximumSteps else {
            throw ValidationError("--operations has \(steps.count) names; up to \(ComputeChain.maximumSteps) are taken.")
        }
    }

    func job() throws(Problem) -> PreparedJob {
        let input: any JobInput = if let x { try TensorFile(TensorArgument(x), as: "x") } else { try TypedInput(values ?? "", as: "x") }
        return try PreparedJob(
            kernel: Self.kernel, params: ["operations": .array(steps.map { .string($0) })], inputs: [input], requirements: try needs.requirements())
    }
}
