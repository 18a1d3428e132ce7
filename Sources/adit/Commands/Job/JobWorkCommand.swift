import ArgumentParser
import Jobs
import Kernels
import Ledger
import Wire

/// `adit job quote KERNEL …`: one subcommand a kernel.
struct JobQuote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quote", abstract: "Upload the inputs and ask for a price; pays nothing.",
        subcommands: [
            QuoteWork<GemmOptions>.self, QuoteWork<ComputeOptions>.self, QuoteWork<ConvOptions>.self, QuoteWork<AttentionOptions>.self,
            QuoteWork<ForwardOptions>.self, QuoteWork<TrainOptions>.self, QuoteWork<RegressionOptions>.self,
            QuoteWork<SpecOptions>.self,
        ])
}

/// `adit job submit KERNEL …`, likewise.
struct JobSubmit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Upload, quote and pay; with --wait also wait and fetch the output.",
        subcommands: [
            SubmitWork<GemmOptions>.self, SubmitWork<ComputeOptions>.self, SubmitWork<ConvOptions>.self, SubmitWork<AttentionOptions>.self,
            SubmitWork<ForwardOptions>.self, SubmitWork<TrainOptions>.self, SubmitWork<RegressionOptions>.self,
            SubmitWork<SpecOptions>.self,
        ])
}

struct QuoteWork<Work: WorkOptions>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: Work.kernel, abstract: "The price of \(Work.abstract)")
    }

    @OptionGroup var work: Work
    @OptionGroup var client: ClientOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let job = try work.job()
        let jobs = try await client.client()
        _ = try await jobs.upload(job)
        let answer = try await jobs.quote(job.spec, maxPrice: nil)
        if json { Terminal.emit(answer.json) } else { JobStory(say: Terminal.say).quoted(answer, kernel: job.kernel) }
    }
}

struct SubmitWork<Work: WorkOptions>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Work.kernel, abstract: "Pay for \(Work.abstract)",
            discussion: ["Example: adit job submit \(Work.kernel) \(Work.example)", Work.notes].compactMap { $0 }.joined(separator: "\n\n"))
    }

    @OptionGroup var work: Work
    @OptionGroup var client: ClientOptions
    @Option(help: "Where the output goes, with --wait: safetensors, or NumPy's format for a name that ends in .npy.") var out: String?
    @Flag(help: "Write also what the job committed to only so that it can be checked, such as a product before its bias.") var all = false
    @Flag(help: "Wait for the verified output; a small one is printed where it goes to no file.") var wait = false
    @Option(name: .customLong("max-price"), help: "Pay no more than this, in AIT.") var maxPrice: String?
    @Flag(help: "Print one JSON object at the end.") var json = false

    func validate() throws {
        if out != nil, !wait { throw ValidationError("--out needs --wait; or fetch it later with: adit job result ID --out FILE") }
    }

    func run() async throws {
        let story = JobStory { if !json { Terminal.say($0) } }
        let job = try work.job()
        if let out { try OutputPlace.check(out, outputs: JobOutput.wanted(job.kernel, all: all), inputs: job.inputs.compactMap(\.file)) }
        let jobs = try await client.client()
        let sent = try await jobs.upload(job)
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
        do throws(Problem) {
            try await finish(job, answer, jobs, story)
        } catch {
            // Whatever it is that went wrong here: the job is paid, and goes on.
            guard error.code != .jobFailed else { throw error }
            throw Problem(error.code, "\(error.detail); the job is paid, don't submit it again: \(JobStory.later(answer.taskID, out: out))")
        }
    }

    /// Waits for the output and fetches it.
    private func finish(_ job: PreparedJob, _ answer: TaskAnswer, _ jobs: JobClient, _ story: JobStory) async throws(Problem) {
        let result = try await jobs.finish(answer.quote, job, onChange: story.changed) { story.waiting($0, answer.taskID, out: out) }
        story.completed(result, operations: job.kernel.operations)
        if let out {
            try await JobOutput.save(result, all: all, from: jobs.coordinator, to: out)
            story.say("output     \(out)")
        }
        let values = try await JobOutput.values(result, from: jobs.coordinator)
        if json { return Terminal.emit(JobOutput.json(result, values)) }
        guard out == nil else { return }
        story.say(values.map { "result     \($0.canonicalString)" } ?? "next       \(JobStory.later(answer.taskID, out: nil))")
    }
}
