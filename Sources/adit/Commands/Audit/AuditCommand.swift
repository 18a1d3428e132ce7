import ArgumentParser
import ChainClient
import Jobs
import Kernels
import Ledger
import Profiler
import Signing
import Wire

/// Checks a paid job's output again, on this machine, and believes nobody: neither the miner nor the coordinator.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Check a paid job's output again; exit 1 if it is wrong.",
        discussion: """
            The receipt is taken from the chain, the tensors from your files or the coordinator, each checked against its root. The check is drawn \
            from the eight blocks after the claim's, so that anybody can repeat it, or, with --secret, from this machine's random numbers.
            """)

    @OptionGroup var job: JobDocumentOptions
    @Option(help: ArgumentHelp("A file with tensors of the job, inputs or outputs; may be repeated.", valueName: "file")) var tensors: [String] = []
    @Flag(help: "Draw a secret check instead of the repeatable one.") var secret = false
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let audited = try await job.open()
        let (result, services) = (audited.result, audited.services)
        let kernel = try result.spec.kernel()
        let seed = secret ? SHA256.hash(utf8: SecureRandom.hex(bytes: Challenge.byteCount)) : try await AuditBlocks.seed(audited)
        let finder = try await OwnThread.run("adit-hash") { [tensors] () throws(Problem) in
            try AuditTensors(files: tensors, coordinator: services.coordinator)
        }
        defer { finder.remove() }
        let inputs = try await finder.inputs(result.spec)
        let outputs = try await finder.outputs(result.output.outputs)
        let clock = ContinuousClock()
        let (report, took) = try await OwnThread.run("adit-audit") { () throws(Problem) in
            let (challenge, passes) = (try Challenge(seed.bytes), try Hardware.passes())
            let begin = clock.now
            return (try kernel.audit(inputs, outputs, challenge: challenge, passes: passes), clock.now - begin)
        }
        show(audited, kernel, report, seed, took)
        guard report.isAccepted else { throw ExitCode(1) }
    }

    private func show(_ audited: AuditedJob, _ kernel: any Kernel, _ report: VerificationReport, _ seed: Digest, _ took: Duration) {
        let receipt = audited.result.receipt.terms
        if json {
            Terminal.emit([
                "job_id": .string(receipt.jobID.text), "receipt_id": .string(receipt.receiptID.text), "height": .integer(audited.height),
                "report": report.json, "seed": .string(seed.hex), "seed_from": .string(secret ? "secret" : "blocks"),
                "check_us": .integer(took.microseconds),
            ])
            return
        }
        Terminal.say("job        \(receipt.jobID), \(audited.result.spec.type), \(Figures.grouped(receipt.computeUnits)) compute units")
        Terminal.say("receipt    \(receipt.receiptID), in block \(audited.height); output hash and every tensor's root agree with it")
        Terminal.say("check      class \"\(report.verification.name)\", promise \(kernel.arithmetic.rawValue): \(report.verification.promise)")
        Terminal.say(
            "seed       \(seed.hex.prefix(16))…, \(secret ? "secret" : "from blocks \(audited.height + 1) to \(audited.height + 8): anybody can repeat it")")
        Terminal.say("time       \(Figures.rounded(took.milliseconds, 1)) ms")
        if let refusal = report.refusal {
            Terminal.say("verdict    WRONG: \(refusal.reason)")
        } else {
            Terminal.say("verdict    right")
        }
    }
}

/// The blocks that a repeatable audit's seed is made of.
enum AuditBlocks {
    /// - Throws: `not_ready` while the chain is not long enough; the message says when to try again.
    static func seed(_ audited: AuditedJob) async throws(Problem) -> Digest {
        let node = audited.services.node
        var hashes: [Digest] = []
        for height in audited.height + 1...audited.height + Int64(AuditSeed.blockCount) {
            guard let block = try await node.getBlock(height: height) else {
                throw Problem(
                    .notReady,
                    "the seed needs block \(audited.height + Int64(AuditSeed.blockCount)), and the chain has no block \(height) yet; try again, or use --secret"
                )
            }
            hashes.append(block.hash)
        }
        return try AuditSeed.digest(chain: audited.services.chain, receipt: audited.result.receipt.terms.receiptID, blocks: hashes)
    }
}
