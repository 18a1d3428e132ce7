import HTTPServing
import Hummingbird
import Wire

/// The miner's own HTTP API, for its operator: `/status`, `/metrics`, `/health`.
enum LocalRoutes {
    static func make(_ board: StatusBoard, _ store: OutboxStore, _ metrics: MinerMetrics, _ registry: PrometheusRegistry) -> Routes {
        let routes = Routes(registry: registry)
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
