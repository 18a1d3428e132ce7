import ArgumentParser
import Foundation
import Kernels
import Profiler
import Wire

/// What this machine does with the kernels it sells.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure kernels, their checks and whole jobs on this machine.",
        subcommands: [BenchTable.self, BenchGemm.self, BenchKernel.self], defaultSubcommand: BenchTable.self)
}

struct BenchGemm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gemm", abstract: "Measure a matrix product: the kernel alone, its check, and the job with its commitment.",
        discussion: BenchOptions.discussion)

    @Option(help: "Rows, columns and depth.") var n = 2048
    @Option(help: "f32, f64, bf16 or i8.") var dtype = "f32"
    @Option(help: "reproducible or free, for f32 and f64.") var arithmetic = "reproducible"
    @OptionGroup var options: BenchOptions

    func validate() throws {
        guard (1...16_384).contains(n) else { throw ValidationError("--n is 1 to 16384.") }
        guard ["F32", "F64", "BF16", "I8"].contains(dtype.uppercased()) else { throw ValidationError("--dtype is f32, f64, bf16 or i8.") }
    }

    func run() async throws {
        let inputs = ["a=\(dtype):\(n),\(n)", "b=\(dtype):\(n),\(n)"]
        let isFloat = ["F32", "F64"].contains(dtype.uppercased())
        try await options.run("gemm", params: isFloat ? ["arithmetic": .string(arithmetic)] : [:], inputs: inputs)
    }
}

struct BenchKernel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernel", abstract: "Measure any kernel: the kernel alone, its check, and the job with its commitment.",
        discussion: BenchOptions.discussion
            + #" Example: adit bench kernel conv2d --input x=f32:8,64,56,56 --input w=f32:64,64,3,3 --params '{"padding":[1,1]}'"#)

    @Argument(help: ArgumentHelp("The kernel: \(KernelRegistry.names.joined(separator: ", ")).", valueName: "kernel")) var type: String
    @Option(help: ArgumentHelp("Its parameters: a JSON object, reals as strings.", valueName: "json")) var params = "{}"
    @Option(
        name: .customLong("input"),
        help: ArgumentHelp("An input: NAME=DTYPE:SHAPE, or NAME=i32:SHAPE:BOUND for whole numbers; may be repeated.", valueName: "input"))
    var inputs: [String] = []
    @OptionGroup var options: BenchOptions

    func run() async throws { try await options.run(type, params: try JSON.parse([UInt8](params.utf8)), inputs: inputs) }
}

/// How a measurement is made and shown, whatever the kernel.
struct BenchOptions: ParsableArguments {
    static let discussion = """
        Kernel, check and job take turns, so that a noisy neighbour meets all three; times are medians of the rounds' best. \
        A check's share falls with the size: look at it for jobs like those that you sell.
        """

    @Option(help: "Threads to compute with; all cores where not given (MINER_THREADS).") var threads: Int?
    @Option(help: "The backend; the one that a miner would choose where not given.") var backend: String?
    @Option(help: "How long to measure.") var seconds = 5
    @Flag(help: "Print one JSON object.") var json = false
    /// Each line of standard input, "kernel MS", "check MS" or "job MS", runs that part for MS milliseconds and is answered with one JSON
    /// line: another program's measurements can take turns with these (benchmarks/run does so).
    @Flag(help: .hidden) var paced = false

    func validate() throws {
        guard (1...3600).contains(seconds) else { throw ValidationError("--seconds is 1 to 3600.") }
    }

    func run(_ type: String, params: JSON, inputs: [String]) async throws {
        let described = try inputs.map { try BenchInput($0) }
        let kernel = try KernelRegistry.kernel(type, params: params, inputs: described.map(\.descriptor))
        let settings = try Settings()
        let hardware = try await Hardware.open(threads: try LimitSettings.threads(settings, threads)).adding(try OpenCLSettings.options(settings))
        let (backend, seconds, isPaced, isJSON) = (backend, seconds, paced, json)
        try await OwnThread.run("adit-bench") { () throws(Problem) in
            var tensors: [Tensor] = []
            for input in described { tensors.append(try input.tensor()) }
            let bench = try KernelBench(kernel, inputs: tensors, hardware: hardware, backend: backend)
            if isPaced { try Self.follow(bench) } else { try BenchReport(bench, seconds: seconds).show(hardware, isJSON) }
        }
    }

    /// Serves standard input until its end.
    private static func follow(_ bench: KernelBench) throws(Problem) {
        Terminal.emit(["ready": .string(bench.device), "operations": .integer(bench.kernel.operations)])
        while let line = readLine() {
            let words = line.split(separator: " ")
            guard words.count == 2, let part = KernelBench.Part(rawValue: String(words[0])), let time = Int(words[1]), (0...600_000).contains(time) else {
                throw Problem(.badRequest, "\"\(line.prefix(64))\" is not kernel, check or job, and 0 to 600000 milliseconds")
            }
            let times = try bench.measure(part, for: .milliseconds(time))
            Terminal.emit(["part": .string(part.rawValue), "runs": .integer(Int64(times.count)), "best_ns": .integer((times.min() ?? .zero).nanoseconds)])
        }
    }
}
