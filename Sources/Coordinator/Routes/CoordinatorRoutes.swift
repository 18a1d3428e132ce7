import HTTPServing
import Hummingbird
import Jobs
import Kernels
import Ledger
import Signing
import Wire

/// The coordinator's HTTP API (PROTOCOL section 8): reads bytes, asks the board, writes bytes.
struct CoordinatorRoutes: Sendable {
    let board: JobBoard
    let blobs: BlobService
    let events: EventHub
    let sponsor: Sponsor?
    let authenticator: RequestAuthenticator
    let checker: OutputChecker
    let registry: PrometheusRegistry
    let metrics: BoardMetrics
    let limits: CoordinatorLimits
    let limiter: RateLimiter
    /// Reads inputs before work is sold; apart from the checks, which may take long.
    let admissions = WorkQueue("adit.coordinator.admission", limit: 64)
    /// Checks the answers to challenges, one at a time.
    let challenges = WorkQueue("adit.coordinator.challenges", limit: 256)

    func routes() -> Routes {
        let routes = Routes(registry: registry, limiter: limiter)
        addPublic(to: routes)
        addNetwork(to: routes)
        blobs.add(to: routes)
        addTasks(to: routes)
        addWorkers(to: routes)
        addChallenges(to: routes)
        return routes
    }

    private func addPublic(to routes: Routes) {
        routes.get("/health") { _, _ in
            try await board.health()
            return .json(["status": "ok"])
        }
        routes.get("/metrics") { _, _ in
            metrics.show(await board.networkState())
            return .text(registry.exposition(), type: PrometheusRegistry.contentType)
        }
    }

    /// A signed request with a JSON body: who signed it, and what it says.
    func signedJSON(
        _ request: Request, _ context: ServingContext, reals: Bool = false
    ) async throws -> (signer: VerifiedRequest, json: JSON, body: [UInt8]) {
        let (signer, body) = try await verified(request, context)
        return (signer, try JSON.parse(body, reals: reals), body)
    }

    /// A signed request whose body, if it has one, says nothing.
    func signed(_ request: Request, _ context: ServingContext) async throws -> VerifiedRequest {
        try await verified(request, context).signer
    }

    private func verified(_ request: Request, _ context: ServingContext) async throws -> (signer: VerifiedRequest, body: [UInt8]) {
        let body = try await request.readBody(limit: limits.bodyBytes)
        let signer = try authenticator.verify(request, body: body.isEmpty ? .none : .bytes(body))
        try limiter.charge(key: signer.address.text, peer: context.peer)
        return (signer, body)
    }
}
