import ArgumentParser
import Kernels
import Wire

/// A regression as asked for on the command line.
struct RegressionOptions: WorkOptions {
    static var kernel: String { RegressionKernel.name }
    static var abstract: String { "fitting a linear (also ridge) or logistic model to data, in F64." }
    static var example: String { "--x examples/diabetes.safetensors#x --y examples/diabetes.safetensors#y --wait --devnet data/devnet" }

    @Option(help: ArgumentHelp("The examples, a row each: FILE.safetensors, FILE.safetensors#NAME or FILE.npy.", valueName: "file")) var x: String
    @Option(help: ArgumentHelp("What is to be explained, one number an example; 0 and 1 for a logistic model.", valueName: "file")) var y: String
    @Option(help: "linear or logistic.") var model: String?
    @Option(help: "How much large coefficients cost, such as 0.1; 0 where not given.") var ridge: String?
    @Option(help: "Newton steps at most, of a logistic model.") var iterations: Int?
    @Flag(name: .customLong("no-intercept"), help: "The fit goes through the origin.") var isThroughOrigin = false
    @OptionGroup var needs: RequirementOptions

    func job() throws(Problem) -> PreparedJob {
        var params = ParameterList()
        params.add("model", model)
        params.add("ridge", ridge)
        params.add("iterations", iterations)
        if isThroughOrigin { params.add("intercept", false) }
        return try PreparedJob(
            kernel: Self.kernel, params: params.json, inputs: try InputFiles.open([("x", x), ("y", y)]), requirements: try needs.requirements())
    }
}
