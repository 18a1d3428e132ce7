import ArgumentParser
import ChainClient
import Jobs
import Kernels
import Ledger
import Wire

/// Which job is looked at again, and where its result's document comes from.
struct JobDocumentOptions: ParsableArguments {
    @Argument(help: "The job's id (job_…).") var id: String
    @Option(
        help: ArgumentHelp(
            "The result's document, as `adit job result JOB --json` prints it: then no key is needed. Asked of the coordinator where not given.",
            valueName: "file")) var result: String?
    @OptionGroup var client: AuditClientOptions

    /// The result, its spec, and the services to ask, all checked against each other and against the receipt that the chain holds.
    ///
    /// - Throws: `not_ready` before the claim is in a block; `output_mismatch` where the chain's receipt is another.
    func open() async throws(Problem) -> AuditedJob {
        let id = try JobID(id)
        let services = try await client.services(needsKey: result == nil)
        let document: TaskResult
        if let result {
            document = try TaskResult(json: try JSON.parse(InspectCommand.read(result)))
        } else {
            document = try await services.coordinator.taskResult(id)
        }
        guard document.taskID == id else { throw Problem(.outputMismatch, "the document is about \(document.taskID), not \(id)") }
        try document.check(on: services.chain)
        let name = document.receipt.terms.receiptID
        guard let settled = try await services.node.getReceipt(name) else {
            throw Problem(.notReady, "receipt \(name) is in no block yet: the miner has not been paid for this output")
        }
        guard settled.claim.terms == document.receipt.terms else { throw Problem(.outputMismatch, "the chain's receipt \(name) is not the document's") }
        return AuditedJob(result: document, height: settled.height, services: services)
    }
}

/// A paid job whose receipt the chain holds.
struct AuditedJob {
    let result: TaskResult
    /// The block of the claim.
    let height: Int64
    let services: AuditServices

    /// The output of that name; the only one where none is named.
    func output(_ name: String?) throws(Problem) -> OutputTensor {
        let outputs = result.output.outputs
        guard let name else {
            guard let only = outputs.first, outputs.count == 1 else {
                throw Problem(.badParams, "the job has several outputs; name one with --output: \(outputs.map(\.descriptor.name).joined(separator: ", "))")
            }
            return only
        }
        guard let found = outputs.first(where: { $0.descriptor.name == name }) else {
            throw Problem(.badParams, "the job has no output \"\(name)\"; it has \(outputs.map(\.descriptor.name).joined(separator: ", "))")
        }
        return found
    }
}
