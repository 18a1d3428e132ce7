import HTTPServing
import Hummingbird
import Jobs
import Ledger
import Signing
import Wire

// Routes for clients.
extension CoordinatorRoutes {
    func addTasks(to routes: Routes) {
        routes.post("/tasks") { request, context in
            if let sponsor, isUnsigned(request) { return .json(try await postSponsored(request, sponsor)) }
            return .json(try await postTask(request, context).json)
        }
        routes.get("/tasks") { request, context in
            let client = try await signed(request, context).address
            let stage = try request.query("status").map { try TaskStage(name: $0) }
            return .json(try await board.page(for: client, stage: stage, before: try position(request.query("after")), limit: 50).json)
        }
        routes.get("/tasks/{id}") { request, context in
            let (job, client, ticket) = try await asked(request, context)
            return .json(Self.renamed(try await board.status(job, for: client).json, ticket, job))
        }
        routes.get("/tasks/{id}/result") { request, context in
            let (job, client, ticket) = try await asked(request, context)
            return .json(Self.renamed(try await result(try await board.result(job, for: client)), ticket, job))
        }
        routes.delete("/tasks/{id}") { request, context in
            let client = try await signed(request, context).address
            return .json(try await board.cancel(try JobID(context.parameter("id")), for: client).json)
        }
    }

    private func position(_ text: String?) throws(Problem) -> Int64? {
        guard let text else { return nil }
        guard let position = Int64(text), position > 0 else { throw Problem(.badRequest, "after is the next of an earlier page") }
        return position
    }

    /// Refuses what can be refused, cheapest first; then quotes.
    private func postTask(_ request: Request, _ context: ServingContext) async throws -> TaskAnswer {
        let (signer, json, body) = try await signedJSON(request, context)
        let task = try TaskRequest(json: json)
        guard task.client == signer.address else { throw Problem(.forbidden, "the client is not the request's signer") }
        let idempotency = try idempotencyKey(request, client: signer.address, body: body)
        if let idempotency, let earlier = try await board.earlier(idempotency) { return earlier }
        let kernel = try await board.examine(task.spec, client: signer.address)
        let checker = checker
        try await admissions.run { () throws(Problem) in try checker.admit(task.spec, kernel) }
        return try await board.open(task.spec, kernel, client: signer.key, idempotency: idempotency)
    }

    private func idempotencyKey(_ request: Request, client: Address, body: [UInt8]) throws(Problem) -> IdempotencyKey? {
        guard let key = request.header("idempotency-key") else { return nil }
        guard (1...128).contains(key.utf8.count) else { throw Problem(.badRequest, "Idempotency-Key has 1 to 128 bytes") }
        return IdempotencyKey(client: client, key: key, body: SHA256.hash(body))
    }
}
