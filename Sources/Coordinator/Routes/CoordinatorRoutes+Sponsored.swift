import HTTPServing
import Hummingbird
import Jobs
import Kernels
import Ledger
import Signing
import Wire

// Tasks that nobody signed for: a sponsor pays, and whoever holds the task's id may look.
extension CoordinatorRoutes {
    /// Whether the request carries no signature at all; one that is wrong is refused as ever.
    func isUnsigned(_ request: Request) -> Bool { request.header("signature-input") == nil && request.header("signature") == nil }

    /// Takes an unsigned task: its input becomes a blob, its quote is paid by the sponsor.
    func postSponsored(_ request: Request, _ sponsor: Sponsor) async throws -> JSON {
        guard request.header("idempotency-key") == nil else {
            throw Problem(.unauthorized, "an Idempotency-Key belongs to a key: sign the request, or leave it out")
        }
        let task = try InlineTask(json: JSON.parse(try await request.readBody(limit: limits.bodyBytes), reals: true))
        let bytes = task.bytes
        let spec = try task.spec(root: TensorRoot.root(of: bytes))
        // Before anything reaches the disk.
        _ = try spec.kernel()
        try await board.checkSponsor()
        try await blobs.keep(bytes, for: sponsor.key.address)
        let kernel = try await board.examine(spec, client: sponsor.key.address)
        let checker = checker
        try await admissions.run { () throws(Problem) in try checker.admit(spec, kernel) }
        let (answer, ticket) = try await board.open(spec, kernel, for: sponsor)
        return Self.renamed(answer.json, ticket, answer.taskID)
    }

    /// Who asks for a task, and under which name: a client by its signature, or anybody by a ticket.
    func asked(_ request: Request, _ context: ServingContext) async throws -> (job: JobID, client: Address, ticket: String?) {
        let name = try context.parameter("id")
        guard Ticket.isOne(name), isUnsigned(request) else {
            let signer = try await signed(request, context).address
            return (try JobID(name), signer, nil)
        }
        let (job, client) = try await board.sponsored(name)
        return (job, client, name)
    }

    /// An answer about a job under its ticket's name; the chain's name for it goes along.
    static func renamed(_ json: JSON, _ ticket: String?, _ job: JobID) -> JSON {
        guard let ticket, let object = json.objectValue else { return json }
        return .object(object.setting("taskId", to: .string(ticket)).setting("jobId", to: .string(job.text)))
    }

    /// A result with its values, where they are few.
    func result(_ result: TaskResult) async throws -> JSON {
        let checker = checker
        let outputs = result.output.outputs
        guard outputs.allSatisfy({ $0.descriptor.elementCount <= Tensor.maxShown }) else { return result.json }
        let values = try await admissions.run { () throws(Problem) in try checker.shown(outputs) }
        guard let values, let object = result.json.objectValue else { return result.json }
        return .object(object.setting("result", to: values))
    }
}
