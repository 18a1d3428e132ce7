import HTTPServing
import Hummingbird
import Wire

/// The miner's own HTTP API, for its operator: `/status`, `/metrics`, `/health`.
enum LocalRoutes {
    static func make(_ board: StatusBoard, _ store: OutboxStore, _ metrics: MinerMetrics, _ configuration: MinerConfiguration) -> Routes {
        let registry = configuration.registry
        let routes = Routes(registry: registry, limiter: RateLimiter(configuration.serving.rates))
        routes.get("/status") { _, _ in .json(board.json(outbox: try await store.tally())) }
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
