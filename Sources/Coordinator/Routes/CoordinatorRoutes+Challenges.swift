import HTTPServing
import Hummingbird
import Jobs
import Ledger
import Signing
import Wire

// How a worker shows what it does, and what is known of it.
extension CoordinatorRoutes {
    func addChallenges(to routes: Routes) {
        routes.get("/workers/{address}") { request, context in
            let signer = try await signed(request, context).address
            guard try Address(context.parameter("address")) == signer else { throw Problem(.forbidden, "a worker asks about itself alone") }
            return .json(Self.json(signer, "registered", try await board.report(on: signer, withReasons: true)))
        }
        routes.post("/challenges/{nonce}/root") { request, context in
            let (signer, json, _) = try await signedJSON(request, context)
            let answer = try ChallengeRoot(json: json)
            return .json(try await board.commit(answer.root, to: try Nonce16(context.parameter("nonce")), by: signer.address).json)
        }
        routes.post("/challenges/{nonce}/check") { request, context in
            let signer = try await signed(request, context).address
            return .json(Self.json(signer, "checked", try await check(try Nonce16(context.parameter("nonce")), by: signer)))
        }
    }

    static func json(_ worker: Address, _ status: String, _ report: WorkerReport) -> JSON {
        .members([("worker", .string(worker.text)), ("status", .string(status))] + report.members)
    }

    /// Checks C, one challenge at a time: each takes the memory of its three matrices.
    private func check(_ nonce: Nonce16, by worker: Address) async throws -> WorkerReport {
        let check = try await board.beginCheck(of: nonce, by: worker)
        let checker = checker
        do {
            let isRight = try await challenges.run { () throws(Problem) in try checker.isRight(check) }
            return try await board.endCheck(of: nonce, by: worker, isRight: isRight)
        } catch {
            // Not the worker's fault: it may ask again.
            _ = try await board.endCheck(of: nonce, by: worker, isRight: nil)
            throw error
        }
    }
}
