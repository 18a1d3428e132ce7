import ArgumentParser
import ChainClient
import Jobs
import Kernels
import Ledger
import Profiler
import Wire

/// Writes a document that proves one leaf of a paid output to anybody who has the chain.
struct ProveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove", abstract: "Prove one leaf of a paid job's output against its receipt on the chain.",
        discussion: "A leaf is 65,536 bytes of a tensor. Whoever gets the document checks it with `adit check FILE`; the other leaves stay private.")

    @OptionGroup var job: JobDocumentOptions
    @Option(help: "Which leaf, from 0.") var leaf: Int
    @Option(help: "The output's name; the only one where not given.") var output: String?
    @Option(help: ArgumentHelp("A file with the output tensor; fetched from the coordinator where not given.", valueName: "file")) var tensors: [String] = []
    @Option(help: ArgumentHelp("Where the document goes; printed where not given.", valueName: "file")) var to: String?

    func run() async throws {
        let audited = try await job.open()
        let result = audited.result
        let output = try audited.output(output)
        let finder = try await OwnThread.run("adit-hash") { [tensors] () throws(Problem) in
            try AuditTensors(files: tensors, coordinator: audited.services.coordinator)
        }
        defer { finder.remove() }
        guard let tensor = try await finder.outputs([output]).first else { return }
        let proof = try await OwnThread.run("adit-hash") { [leaf] () throws(Problem) in
            try unsafe tensor.buffer.withUnsafeBytes { raw throws(Problem) in
                try unsafe TensorLeafProof(of: raw, leafHashes: TensorRoot.leafHashes(of: raw), index: leaf)
            }
        }
        let document = LeafDocument(receipt: result.receipt.terms.receiptID, output: result.output, name: output.descriptor.name, leaf: proof)
        try document.check(result.receipt.terms)
        try DocumentFile.write(document.json, to: to)
        if let to {
            Terminal.say(
                "leaf \(leaf) of \(TensorRoot.leafCount(byteCount: output.descriptor.byteCount)) of output \(output.descriptor.name), \(proof.bytes.count) bytes: \(to)"
            )
            Terminal.say("check it with: adit check \(to)")
        }
    }
}

/// Where a document goes.
enum DocumentFile {
    /// To a file, or to standard output.
    static func write(_ json: JSON, to path: String?) throws(Problem) {
        guard let path else { return Terminal.emit(json) }
        try Files.write([UInt8]((json.canonicalString + "\n").utf8), to: path)
    }
}
