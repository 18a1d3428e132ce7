import ArgumentParser
import Jobs
import Kernels
import Wire

/// Least squares on the diabetes data of Efron and others (2004): what ten measurements say of the disease a year later.
struct DiabetesExample: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "diabetes", abstract: "Fit a linear regression as a paid job; R² is 0.5177.")

    @OptionGroup var options: ExampleOptions

    func run() async throws {
        let folder = if let examples = options.examples { examples } else { try ExampleFiles.folder() }
        let data = folder + "/diabetes.safetensors"
        let client = try await options.client.client()
        let inputs = try InputFiles.open([("x", data + "#x"), ("y", data + "#y")])
        Terminal.say("A regression of 442 patients' progress on 10 measurements")
        let path = options.dir + "/diabetes-fit.safetensors"
        let job = try PreparedJob(kernel: RegressionKernel.name, params: [:], inputs: inputs, requirements: .none)
        try await PaidJob(client: client, say: { Terminal.say("  " + $0) }).run(job, to: path)
        let w = try Self.numbers(path, "coefficients")
        let c = try Self.numbers(path, "intercept")
        let share = Self.determination(Self.values(inputs[0].tensor), Self.values(inputs[1].tensor), w, c.first ?? 0)
        Terminal.say("  file       \(path): coefficients and intercept")
        Terminal.say("  R²         \(Figures.rounded(share, 4)): the share of the patients' differences that the measurements explain")
        guard Figures.rounded(share, 4) == "0.5177" else { throw Problem(.outputMismatch, "the known R² of this fit is 0.5177") }
    }

    /// 1 − Σ(y − ŷ)²/Σ(y − ȳ)².
    private static func determination(_ x: [Double], _ y: [Double], _ w: [Double], _ c: Double) -> Double {
        let mean = y.reduce(0, +) / Double(y.count)
        var (left, total) = (0.0, 0.0)
        for (row, value) in y.enumerated() {
            let predicted = w.indices.reduce(c) { $0 + x[row * w.count + $1] * w[$1] }
            left += (value - predicted) * (value - predicted)
            total += (value - mean) * (value - mean)
        }
        return 1 - left / total
    }

    private static func numbers(_ path: String, _ name: String) throws(Problem) -> [Double] {
        values(try TensorFile(TensorArgument("\(path)#\(name)"), as: name).tensor)
    }

    private static func values(_ tensor: Tensor) -> [Double] { tensor.withElements(as: Double.self) { elements in elements.indices.map { elements[$0] } } }
}
