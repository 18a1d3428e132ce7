import ArgumentParser
import Foundation
import Kernels
import Profiler
import Wire

/// What this machine does with the kernels it sells.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure kernels, their checks and whole jobs on this machine.", subcommands: [BenchGemm.self])
}

struct BenchGemm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gemm", abstract: "Measure a matrix product: the kernel alone, its check, and the job with its commitment.",
        discussion: """
            Kernel, check and job take turns, so that a noisy neighbour meets all three; times are medians of the rounds' best. \
            A check's share falls with the size: look at it for products like those that you sell.
            """)

    @Option(help: "Rows, columns and depth.") var n = 2048
    @Option(help: "f32, f64 or i8.") var dtype = "f32"
    @Option(help: "Threads to compute with; all cores where not given (MINER_THREADS).") var threads: Int?
    @Option(help: "How long to measure.") var seconds = 5
    @Flag(help: "Print one JSON object.") var json = false
    /// Each line of standard input, "kernel MS", "check MS" or "job MS", runs that part for MS milliseconds and is answered with one JSON
    /// line: another program's measurements can take turns with these (benchmarks/run does so).
    @Flag(help: .hidden) var paced = false

    func validate() throws {
        guard (1...16_384).contains(n) else { throw ValidationError("--n is 1 to 16384.") }
        guard DType(rawValue: dtype.uppercased()) != nil else { throw ValidationError("--dtype is f32, f64 or i8.") }
        guard (1...3600).contains(seconds) else { throw ValidationError("--seconds is 1 to 3600.") }
    }

    func run() async throws {
        let hardware = try await Hardware.open(threads: try MinerSettings.threads(try Settings(), threads))
        guard let type = DType(rawValue: dtype.uppercased()) else { return }
        let (n, seconds, isPaced, isJSON) = (n, seconds, paced, json)
        try await OwnThread.run("adit-bench") { () throws(Problem) in
            let bench = try GemmBench(n: n, dtype: type, hardware: hardware)
            if isPaced { try Self.follow(bench) } else { try Self.show(bench, hardware, seconds, isJSON) }
        }
    }

    /// Serves standard input until its end.
    private static func follow(_ bench: GemmBench) throws(Problem) {
        Terminal.emit(["ready": .string(bench.backend.device), "operations": .integer(bench.kernel.operations)])
        while let line = readLine() {
            let words = line.split(separator: " ")
            guard words.count == 2, let part = GemmBench.Part(rawValue: String(words[0])), let time = Int(words[1]), (0...600_000).contains(time) else {
                throw Problem(.badRequest, "\"\(line.prefix(64))\" is not kernel, check or job, and 0 to 600000 milliseconds")
            }
            let times = try bench.measure(part, for: .milliseconds(time))
            Terminal.emit(["part": .string(part.rawValue), "runs": .integer(Int64(times.count)), "best_ns": .integer((times.min() ?? .zero).nanoseconds)])
        }
    }

    private static func show(_ bench: GemmBench, _ hardware: Hardware, _ seconds: Int, _ isJSON: Bool) throws(Problem) {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var best: [GemmBench.Part: [Duration]] = [:]
        repeat {
            for part in GemmBench.Part.allCases {
                if let time = try bench.measure(part, for: .milliseconds(200)).min() { best[part, default: []].append(time) }
            }
        } while ContinuousClock.now < deadline
        let time = best.mapValues { $0.sorted()[$0.count / 2].seconds }
        let (kernel, check, job) = (time[.kernel] ?? 0, time[.check] ?? 0, time[.job] ?? 0)
        let gigaflops = Double(bench.kernel.operations) / max(kernel, 1e-9) / 1e9
        if isJSON {
            return Terminal.emit([
                "kernel": "gemm", "arithmetic": .string(bench.kernel.arithmetic.rawValue), "device": .string(bench.backend.device),
                "n": .integer(Int64(bench.n)), "operations": .integer(bench.kernel.operations), "rounds": .integer(Int64(best[.kernel]?.count ?? 0)),
                "kernel_seconds": .real(kernel), "check_seconds": .real(check), "job_seconds": .real(job), "gigaflops": .real(gigaflops),
                "check_share": .real(check / max(kernel, 1e-9)), "job_rate": .real(kernel / max(job, 1e-9)),
            ])
        }
        Terminal.say("gemm \(bench.kernel.arithmetic.rawValue), n = \(bench.n), on \(bench.backend.device)")
        Terminal.say(
            "kernel     \(Figures.rounded(kernel * 1e3, 2)) ms, \(Figures.rounded(gigaflops, 1)) \(bench.kernel.arithmetic == .i32Exact ? "Gop/s" : "GFLOP/s")")
        Terminal.say("check      \(Figures.rounded(check * 1e3, 2)) ms, \(Figures.rounded(100 * check / max(kernel, 1e-9), 1)) % of the kernel")
        Terminal.say(
            "whole job  \(Figures.rounded(job * 1e3, 2)) ms to a committed, signed output; \(Figures.rounded(kernel / max(job, 1e-9), 2)) of the kernel's rate")
        for note in hardware.notes { Terminal.say("note       \(note)") }
    }
}
