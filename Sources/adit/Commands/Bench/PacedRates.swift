import Kernels
import Profiler
import Wire

/// One row of the table, measured when a line on standard input asks for it: so that another program's figure can be taken in the same second.
enum PacedRates {
    /// Answers "kernel MS" with the rate, as time and operations of one run, and with the share of the peak, until standard input ends.
    static func serve(backend name: String, threads: Int?) async throws {
        let hardware = try await Hardware.open(threads: threads)
        guard let backend = (hardware.backends + hardware.members).first(where: { $0.name == name }) else {
            throw Problem(.badParams, "no backend \"\(name)\" here; there are \((hardware.backends + hardware.members).map(\.name).joined(separator: ", "))")
        }
        let machine = Machine.current()
        try await OwnThread.run("adit-bench") { () throws(Problem) in
            Terminal.emit(["ready": .string(backend.device), "blas": .string(hardware.blasCore ?? "")])
            while let line = readLine() {
                let words = line.split(separator: " ")
                guard words.count == 2, words[0] == "kernel", let time = Int(words[1]), (1...600_000).contains(time) else {
                    throw Problem(.badRequest, "\"\(line.prefix(64))\" is not kernel, and 1 to 600000 milliseconds")
                }
                let plan = RatePlan(
                    budget: .milliseconds(time), rounds: 3, sizes: [2_048], acceleratorSizes: [2_048], arithmetics: [.f32], hasMembers: false,
                    hasMoreKernels: false, kinds: [.gemm])
                let survey = RateSurvey(plan, RateSurvey.Devices(backends: [backend]), machine: machine, threads: threads, limit: 1 << 28)
                guard let row = try survey.run().fastestProduct(.f32), row.perSecond > 0 else { throw Problem(.unsupportedDtype, "\(name) has no F32 product") }
                Terminal.emit([
                    "best_ns": .integer(Int64(Double(row.work) * 1e9 / Double(row.perSecond))), "runs": .integer(Int64(row.rounds)),
                    "per_second": .integer(row.perSecond), "share_millionths": .integer(row.shareMillionths ?? 0),
                ])
            }
        }
    }
}
