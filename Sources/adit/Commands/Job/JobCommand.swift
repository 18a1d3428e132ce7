import ArgumentParser
import ChainClient
import Jobs
import Kernels
import Ledger
import Wire

/// What a client does: ask for a price, have work done, fetch what came out.
struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Have work done: ask for a price, pay, fetch the output, list, cancel.",
        subcommands: [JobQuote.self, JobSubmit.self, JobStatus.self, JobResult.self, JobList.self, JobCancel.self])
}

struct JobStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Where a job stands.")

    @Argument(help: "The job's id (job_…).") var id: String
    @OptionGroup var client: ClientOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let status = try await client.client().coordinator.task(try JobID(id))
        if json { return Terminal.emit(status.json) }
        let phase = status.phase == status.stage.rawValue ? "" : " (\(status.phase))"
        Terminal.say("\(status.taskID): \(status.stage.rawValue)\(phase), \(Figures.rounded(status.progress * 100, 0)) %")
        if let payment = status.payment { Terminal.say("paid in block \(payment.height), transaction \(payment.tx)") }
        if let worker = status.worker { Terminal.say("miner \(worker), attempt \(status.attempts)") }
        if let reason = status.reason { Terminal.say("reason: \(reason.rawValue)\(status.detail.map { " (\($0))" } ?? "")") }
        if let height = status.claimHeight { Terminal.say("claimed in block \(height)") }
        if let refund = RefundLine.text(status) { Terminal.say(refund) }
    }
}

struct JobResult: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "result", abstract: "A completed job's receipt and verification, and its output.")

    @Argument(help: "The job's id (job_…).") var id: String
    @Option(help: "Where the output goes: safetensors, or NumPy's format for a name that ends in .npy.") var out: String?
    @Flag(help: "Write also what the job committed to only so that it can be checked.") var all = false
    @OptionGroup var client: ClientOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let jobs = try await client.client()
        let result = try await jobs.coordinator.taskResult(try JobID(id))
        try result.check(on: jobs.wallet.chain)
        if let out { try await JobOutput.save(result, all: all, from: jobs.coordinator, to: out) }
        let values = try await JobOutput.values(result, from: jobs.coordinator)
        if json { return Terminal.emit(JobOutput.json(result, values)) }
        JobStory(say: Terminal.say).completed(result, operations: 0)
        for output in result.output.outputs {
            Terminal.say("\(output.descriptor.name)  \(output.descriptor.dtype.rawValue) \(output.descriptor.shapeJSON.canonicalString)  root \(output.root)")
        }
        if out == nil, let values { Terminal.say("result     \(values.canonicalString)") }
        if let out { Terminal.say("output     \(out)") }
    }
}
