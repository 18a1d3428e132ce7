import ArgumentParser
import ChainClient
import Jobs
import Kernels
import Ledger
import Profiler
import Wire

/// Checks what `adit prove` and `adit evidence` wrote against the chain's receipt.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a document of `adit prove` or `adit evidence` against the chain; exit 1 if it doesn't hold or an element is wrong.")

    /// Evidence about a product of large matrices holds them whole.
    private static let limit = 4 << 30

    @Argument(help: "The document, or - for standard input.") var file: String
    @OptionGroup var client: AuditClientOptions

    func run() async throws {
        let bytes = try file == "-" ? Files.readStandardInput(limit: Self.limit) : Files.read(file, limit: Self.limit)
        let json: JSON
        do throws(Problem) {
            json = try JSON.parse(bytes)
        } catch {
            throw Problem(error.code, "\(file) is no document of `adit prove` or `adit evidence`: \(error.detail)")
        }
        let node = try await client.services(needsKey: false).node
        switch json["kind"]?.stringValue {
        case "adit.leaf.v1":
            let document = try LeafDocument(json: json)
            let height = try await check(document.receipt, node) { (terms) throws(Problem) in try document.check(terms) }
            Terminal.say("receipt    \(document.receipt), in block \(height)")
            Terminal.say(
                "leaf       \(document.leaf.index) of output \(document.name): bytes \(document.leaf.range.lowerBound) to \(document.leaf.range.upperBound - 1)"
            )
            Terminal.say("verdict    it holds")
        case "adit.evidence.v1":
            let evidence = try ElementEvidence(json: json)
            let terms = try await receipt(evidence.receipt, node).claim.terms
            let verdict = try await OwnThread.run("adit-evidence") { () throws(Problem) in try evidence.verdict(terms) }
            EvidenceReport.show(evidence, verdict)
            if verdict != .right { throw ExitCode(1) }
        default: throw Problem(.wrongType, "\(file) is neither a leaf's proof nor evidence about an element")
        }
    }

    private func check(_ id: ReceiptID, _ node: NodeClient, _ body: (ReceiptTerms) throws(Problem) -> Void) async throws(Problem) -> Int64 {
        let record = try await receipt(id, node)
        try body(record.claim.terms)
        return record.height
    }

    private func receipt(_ id: ReceiptID, _ node: NodeClient) async throws(Problem) -> ReceiptRecord {
        guard let record = try await node.getReceipt(id) else { throw Problem(.outputMismatch, "the chain has no receipt \(id)") }
        return record
    }
}
