import HTTPServing
import Hummingbird
import Wire

/// The miner's own HTTP API, for its operator: `/status`, `/receipts`, `/metrics`, `/health`.
enum LocalRoutes {
    static func make(_ board: StatusBoard, _ store: OutboxStore, _ metrics: MinerMetrics, _ configuration: MinerConfiguration) -> Routes {
        let registry = configuration.registry
        let routes = Routes(registry: registry, limiter: RateLimiter(configuration.serving.rates))
        routes.get("/status") { _, _ in .json(board.json(outbox: try await store.tally())) }
        routes.get("/receipts") { request, _ in
            let limit = request.query("limit").map { Int($0) ?? 0 } ?? 50
            guard (1...ReceiptList.most).contains(limit) else { throw Problem(.badRequest, "limit is 1 … \(ReceiptList.most)") }
            let phase = request.query("phase")
            if let phase, !OutboxEntry.Phase.names.contains(phase) { throw Problem(.badRequest, "no phase is called that") }
            let entries = try await store.lately(phase: phase, limit: limit)
            let trouble = board.problem
            return .json(["receipts": .array(entries.map { ReceiptList.json($0, trouble: trouble) })])
        }
        routes.get("/health") { _, _ in
            guard board.stage == .ready else { throw Problem(.unavailable, "the miner is \(board.stage.rawValue)") }
            return .json(["status": "ok"])
        }
        routes.get("/metrics") { _, _ in
            metrics.outbox(try await store.tally())
            metrics.leases(board.leaseCount)
            return .text(registry.exposition(), type: PrometheusRegistry.contentType)
        }
        return routes
    }
}
