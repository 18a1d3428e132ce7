import ArgumentParser
import ChainClient
import Jobs
import Kernels
import Ledger
import Wire

/// What a client does: ask for a price, have work done, fetch what came out.
struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Have work done: quote, submit, status, result, list, cancel.",
        subcommands: [JobQuote.self, JobSubmit.self, JobStatus.self, JobResult.self, JobList.self, JobCancel.self])
}

struct JobQuote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "quote", abstract: "Upload the inputs and ask for a price; pays nothing.")

    @OptionGroup var work: GemmOptions
    @OptionGroup var client: ClientOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let job = try work.job()
        let jobs = try await client.client()
        _ = try await jobs.upload(job.files, roots: job.roots)
        let answer = try await jobs.quote(job.spec, maxPrice: nil)
        if json { Terminal.emit(answer.json) } else { JobStory(say: Terminal.say).quoted(answer, kernel: job.kernel) }
    }
}

struct JobSubmit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Upload, quote and pay; with --wait also wait and fetch the output.",
        discussion: "Example: adit job submit gemm --a X.safetensors#x --b Y.safetensors#y --transpose-b --out C.safetensors --wait --devnet data/devnet")

    @OptionGroup var work: GemmOptions
    @OptionGroup var client: ClientOptions
    @Option(help: "Where the output goes, as safetensors; with --wait.") var out: String?
    @Flag(help: "Wait for the verified output.") var wait = false
    @Option(name: .customLong("max-price"), help: "Pay no more than this, in AIT.") var maxPrice: String?
    @Flag(help: "Print one JSON object at the end.") var json = false

    func validate() throws {
        if out != nil, !wait { throw ValidationError("--out needs --wait; or fetch it later with: adit job result ID --out FILE") }
    }

    func run() async throws {
        let story = JobStory { if !json { Terminal.say($0) } }
        let job = try work.job()
        let jobs = try await client.client()
        let sent = try await jobs.upload(job.files, roots: job.roots)
        story.say("inputs     \(Figures.bytes(Int64(sent))) uploaded and checked against their roots")
        let answer = try await jobs.quote(job.spec, maxPrice: try maxPrice.map { (text) throws(Problem) in try AmountArgument.parse(text) })
        story.quoted(answer, kernel: job.kernel)
        let payment = try await jobs.pay(answer.quote)
        story.paid(answer.quote, tx: payment.tx, height: payment.height)
        guard wait else {
            if json {
                Terminal.emit(["taskId": .string(answer.taskID.text), "payment_tx": .string(payment.tx.hex), "payment_height": .integer(payment.height)])
            } else {
                Terminal.say("next       adit job status \(answer.taskID)")
            }
            return
        }
        let result = try await jobs.finish(answer.quote, job, onChange: story.changed)
        story.completed(result, operations: job.kernel.operations)
        if let out {
            try await JobOutput.save(result, from: jobs.coordinator, to: out)
            story.say("output     \(out)")
        }
        if json { Terminal.emit(result.json) }
    }
}

struct JobStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Where a job stands.")

    @Argument(help: "The job's id (job_…).") var id: String
    @OptionGroup var client: ClientOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let status = try await client.client().coordinator.task(try JobID(id))
        if json { return Terminal.emit(status.json) }
        Terminal.say("\(status.taskID): \(status.stage.rawValue) (\(status.phase)), \(Figures.rounded(status.progress * 100, 0)) %")
        if let payment = status.payment { Terminal.say("paid in block \(payment.height), transaction \(payment.tx)") }
        if let worker = status.worker { Terminal.say("miner \(worker), attempt \(status.attempts)") }
        if let reason = status.reason { Terminal.say("reason: \(reason.rawValue)") }
        if let height = status.claimHeight { Terminal.say("claimed in block \(height)") }
        if let refund = RefundLine.text(status) { Terminal.say(refund) }
    }
}

struct JobResult: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "result", abstract: "A completed job's receipt and verification, and its output.")

    @Argument(help: "The job's id (job_…).") var id: String
    @Option(help: "Where the output goes, as safetensors.") var out: String?
    @OptionGroup var client: ClientOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let jobs = try await client.client()
        let result = try await jobs.coordinator.taskResult(try JobID(id))
        try result.check(on: jobs.wallet.chain)
        if let out { try await JobOutput.save(result, from: jobs.coordinator, to: out) }
        if json { return Terminal.emit(result.json) }
        JobStory(say: Terminal.say).completed(result, operations: 0)
        for output in result.output.outputs {
            Terminal.say("\(output.descriptor.name)  \(output.descriptor.dtype.rawValue) \(output.descriptor.shapeJSON.canonicalString)  root \(output.root)")
        }
        if let out { Terminal.say("output     \(out)") }
    }
}
