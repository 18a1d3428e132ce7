import ArgumentParser
import ChainClient
import Jobs
import Kernels
import Ledger
import Profiler
import Wire

/// Writes the deterministic proof about one element of a paid product: that it is wrong, or that it is right.
struct EvidenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence", abstract: "Prove one element of a paid matrix product right or wrong; exit 1 if it is wrong.",
        discussion: """
            The document holds the row, the column and the element with their Merkle paths, so that anybody decides alike with `adit check FILE`, \
            without a random number. A column of a row-major matrix lies in every leaf of it: then the document is as large as the matrix.
            """)

    @OptionGroup var job: JobDocumentOptions
    @Option(help: "The element's row.") var row: Int
    @Option(help: "The element's column.") var column: Int
    @Option(help: "The product of a batch.") var batch = 0
    @Option(help: ArgumentHelp("A file with tensors of the job, inputs or outputs; may be repeated.", valueName: "file")) var tensors: [String] = []
    @Option(help: ArgumentHelp("Where the document goes.", valueName: "file")) var to: String?

    func run() async throws {
        let audited = try await job.open()
        let result = audited.result
        let finder = try await OwnThread.run("adit-hash") { [tensors] () throws(Problem) in
            try AuditTensors(files: tensors, coordinator: audited.services.coordinator)
        }
        defer { finder.remove() }
        let inputs = try await finder.inputs(result.spec)
        let outputs = try await finder.outputs(result.output.outputs)
        let (evidence, verdict) = try await OwnThread.run("adit-evidence") { [batch, row, column] () throws(Problem) in
            let terms = result.receipt.terms
            let evidence = try ElementEvidence(
                receipt: terms.receiptID, spec: result.spec, output: result.output, batch: batch, row: row, column: column, inputs: inputs, outputs: outputs)
            return (evidence, try evidence.verdict(terms))
        }
        if let to { try DocumentFile.write(evidence.json, to: to) }
        EvidenceReport.show(evidence, verdict)
        if let to { Terminal.say("document   \(to); check it with: adit check \(to)") }
        if verdict != .right { throw ExitCode(1) }
    }
}

/// A verdict in words.
enum EvidenceReport {
    static func show(_ evidence: ElementEvidence, _ verdict: ElementCheck.Verdict) {
        Terminal.say("receipt    \(evidence.receipt)")
        Terminal.say("element    [\(evidence.row), \(evidence.column)]\(evidence.batch > 0 ? " of product \(evidence.batch)" : "")")
        switch verdict {
        case .right: Terminal.say("verdict    right")
        case .wrong(let expected, let found): Terminal.say("verdict    WRONG: it is 0x\(found), should be 0x\(expected)")
        }
    }
}
