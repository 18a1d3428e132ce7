import HTTPServing
import Hummingbird
import Jobs
import Signing
import Wire

// Routes for workers.
extension CoordinatorRoutes {
    func addWorkers(to routes: Routes) {
        routes.post("/workers") { request, context in
            let (signer, json, _) = try await signedJSON(request, context)
            let registration = try WorkerRegistration(json: json)
            guard registration.address == signer.address else { throw Problem(.forbidden, "the worker is not the request's signer") }
            return .json(Self.json(registration.address, "registered", try await board.register(registration)))
        }
        routes.post("/workers/{address}/drain") { request, context in
            let signer = try await signed(request, context).address
            guard try Address(context.parameter("address")) == signer else { throw Problem(.forbidden, "a worker drains itself alone") }
            try await board.drain(signer)
            return .json(["worker": .string(signer.text), "status": "draining"])
        }
        routes.post("/leases") { request, context in .json(try await lease(request, context).json) }
        routes.get("/leases") { request, context in
            let signer = try await signed(request, context).address
            return .json(LeaseAnswer(leases: try await board.held(by: signer)).json)
        }
        routes.post("/leases/{id}/heartbeat") { request, context in
            let (signer, json, _) = try await signedJSON(request, context, reals: true)
            let id = try context.parameter("id")
            return .json(try await board.heartbeat(id, by: signer.address, try Heartbeat(json: json)).json)
        }
        routes.post("/leases/{id}/fail") { request, context in
            let (signer, json, _) = try await signedJSON(request, context)
            let id = try context.parameter("id")
            try await board.giveBack(id, by: signer.address, try LeaseFailure(json: json))
            return .json(["leaseId": .string(id), "status": "returned"])
        }
        routes.post("/leases/{id}/result") { request, context in
            let (signer, json, _) = try await signedJSON(request, context)
            let id = try context.parameter("id")
            let result = ResultBatch.Item(id, try ResultSubmission(json: json))
            let outcomes = await outcomes([result], signer.address)
            guard let outcome = outcomes.first else { throw Problem(.internalError, "a result without an outcome") }
            return .json(try outcome.get().json)
        }
        routes.post("/results") { request, context in
            let (signer, json, _) = try await signedJSON(request, context)
            return .json(ResultBatchAnswer(await outcomes(try ResultBatch(json: json).items, signer.address)).json)
        }
    }

    /// Commits results and waits for what their checks come to, in their order.
    private func outcomes(_ results: [ResultBatch.Item], _ worker: Address) async -> [Result<ResultAnswer, Problem>] {
        var outcomes: [Result<ResultAnswer, Problem>] = []
        for committed in await board.commit(results, by: worker) {
            switch committed {
            case .failure(let problem): outcomes.append(.failure(problem))
            case .success(let stream): outcomes.append(await Self.outcome(stream))
            }
        }
        return outcomes
    }

    private static func outcome(_ stream: AsyncStream<ResultOutcome>) async -> Result<ResultAnswer, Problem> {
        for await outcome in stream {
            switch outcome.outcome {
            case .accepted(let answer): return .success(ResultAnswer(answer, leases: outcome.leases))
            case .refused(let problem): return .failure(problem)
            }
        }
        return .failure(Problem(.unavailable, "the output is committed and its check not over; ask again"))
    }

    /// Waits without holding a thread. A worker that hangs up while it waits gets no lease that nobody would work on.
    private func lease(_ request: Request, _ context: ServingContext) async throws -> LeaseAnswer {
        try await request.body.consumeWithCancellationOnInboundClose { body in try await leases(Request(head: request.head, body: body), context) }
    }

    private func leases(_ request: Request, _ context: ServingContext) async throws -> LeaseAnswer {
        let (signer, json, _) = try await signedJSON(request, context)
        let (call, answer) = try await board.call(signer.address, try LeaseRequest(json: json))
        var iterator = answer.makeAsyncIterator()
        if let answer = await iterator.next() { return answer }
        await board.hangUp(call)
        return LeaseAnswer(leases: [])
    }
}
