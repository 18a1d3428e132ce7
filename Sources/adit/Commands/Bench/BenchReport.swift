import Kernels
import Wire

/// What a measurement came to, for people or as JSON.
struct BenchReport {
    private let bench: KernelBench
    private let rounds: Int
    /// Seconds of each part: the median of the rounds' best.
    private let time: [KernelBench.Part: Double]

    /// Measures for about so many seconds.
    init(_ bench: KernelBench, seconds: Int) throws(Problem) {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var best: [KernelBench.Part: [Duration]] = [:]
        repeat {
            for part in KernelBench.Part.allCases {
                if let time = try bench.measure(part, for: .milliseconds(200)).min() { best[part, default: []].append(time) }
            }
        } while ContinuousClock.now < deadline
        self.bench = bench
        rounds = best[.kernel]?.count ?? 0
        time = best.mapValues { $0.sorted()[$0.count / 2].seconds }
    }

    func show(_ hardware: Hardware, _ isJSON: Bool) {
        let kernel = bench.kernel
        let (compute, check, job) = (time[.kernel] ?? 0, time[.check] ?? 0, time[.job] ?? 0)
        let gigaflops = Double(kernel.operations) / max(compute, 1e-9) / 1e9
        if isJSON {
            return Terminal.emit([
                "kernel": .string(kernel.name), "arithmetic": .string(kernel.arithmetic.rawValue), "device": .string(bench.device),
                "inputs": .array(kernel.inputs.map(\.json)), "operations": .integer(kernel.operations), "rounds": .integer(Int64(rounds)),
                "kernel_seconds": .real(compute), "check_seconds": .real(check), "job_seconds": .real(job), "gigaflops": .real(gigaflops),
                "check_share": .real(check / max(compute, 1e-9)), "job_rate": .real(compute / max(job, 1e-9)),
            ])
        }
        let shapes = kernel.inputs.map { "\($0.name) \($0.dtype.rawValue) \($0.shapeJSON.canonicalString)" }.joined(separator: ", ")
        Terminal.say("\(kernel.name) \(kernel.arithmetic.rawValue), \(shapes), on \(bench.device)")
        let unit = kernel.arithmetic == .i32Exact ? "Gop/s" : "GFLOP/s"
        Terminal.say("kernel     \(Figures.rounded(compute * 1e3, 2)) ms, \(Figures.rounded(gigaflops, 1)) \(unit)")
        Terminal.say(
            "check      \(Figures.rounded(check * 1e3, 2)) ms, \(Figures.rounded(100 * check / max(compute, 1e-9), 1)) % of the kernel, class \"\(kernel.verification.name)\""
        )
        Terminal.say(
            "whole job  \(Figures.rounded(job * 1e3, 2)) ms to a committed, signed output; \(Figures.rounded(compute / max(job, 1e-9), 2)) of the kernel's rate"
        )
        for note in hardware.notes { Terminal.say("note       \(note)") }
    }
}
