import ChainClient
import HTTPServing
import Hummingbird
import Jobs
import Wire

/// The miner's own HTTP API, for its operator: `/status`, `/receipts`, `/events`, `/metrics`, `/health`, and `/control/…` with the token.
enum LocalRoutes {
    /// What the routes are made of.
    struct Parts: Sendable {
        let board: StatusBoard
        let store: OutboxStore
        let metrics: MinerMetrics
        let control: MinerControl
        let feed: EventFeed
        let door: LocalGuard
        let compute: LocalCompute
        let payoutRule: PayoutRule
    }

    static func make(_ parts: Parts, _ configuration: MinerConfiguration) -> Routes {
        let registry = configuration.registry
        let (board, store, metrics, door) = (parts.board, parts.store, parts.metrics, parts.door)
        let routes = Routes(registry: registry, limiter: RateLimiter(configuration.serving.rates))
        routes.get("/status") { request, _ in
            try door.checkOrigin(request)
            return .json(board.json(outbox: try await store.tally()))
        }
        routes.get("/receipts") { request, _ in
            try door.checkOrigin(request)
            let limit = request.query("limit").map { Int($0) ?? 0 } ?? 50
            guard (1...ReceiptList.most).contains(limit) else { throw Problem(.badRequest, "limit is 1 … \(ReceiptList.most)") }
            let phase = request.query("phase")
            if let phase, !OutboxEntry.Phase.names.contains(phase) { throw Problem(.badRequest, "no phase is called that") }
            let entries = try await store.lately(phase: phase, limit: limit)
            let trouble = board.problem
            let services = configuration.services
            return .json([
                "receipts": .array(entries.map { ReceiptList.json($0, trouble: trouble, services: services, earned: parts.payoutRule.known) })
            ])
        }
        routes.get("/events") { request, _ in
            try door.checkOrigin(request)
            let after = request.header("last-event-id") ?? request.query("after")
            guard after == nil || after.flatMap({ Int64($0) }) != nil else { throw Problem(.badRequest, "an event's id is a number") }
            return .events(try parts.feed.stream(after: after.flatMap { Int64($0) }))
        }
        routes.get("/health") { _, _ in
            guard board.stage == .ready else { throw Problem(.unavailable, "the miner is \(board.stage.rawValue)") }
            return .json(["status": "ok"])
        }
        routes.get("/metrics") { _, _ in
            metrics.outbox(try await store.tally())
            metrics.leases(board.leaseCount)
            metrics.devices(board.deviceFigures)
            return .text(registry.exposition(), type: PrometheusRegistry.contentType)
        }
        for (path, mode) in [("pause", MinerControl.Mode.paused), ("resume", .working), ("drain", .draining)] {
            routes.post("/control/\(path)") { request, _ in
                try door.checkControl(request)
                try await parts.control.set(mode)
                return .json(parts.control.json)
            }
        }
        addWork(to: routes, door, parts.compute)
        return routes
    }

    /// The task network's Local Node API. It takes the machine's time, or its coordinator's sponsor's money, so it wants the token.
    private static func addWork(to routes: Routes, _ door: LocalGuard, _ compute: LocalCompute) {
        routes.post("/tasks") { request, _ in
            try door.checkControl(request)
            let bytes = try await request.readBody(limit: LocalCompute.bodyBytes)
            switch request.query("where") {
            case nil, "network": return .json(try await compute.forward(.post, "/tasks", bytes))
            case "here": return .json(try await compute.task(bytes))
            default: throw Problem(.badRequest, "where is network or here")
            }
        }
        for ending in ["", "/result"] {
            routes.get("/tasks/{ticket}\(ending)") { request, context in
                try door.checkControl(request)
                let ticket = try context.parameter("ticket")
                guard ticket.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }) else {
                    throw Problem(.unknownJob, "no task is called that")
                }
                return .json(try await compute.forward(.get, "/tasks/\(ticket)\(ending)"))
            }
        }
        routes.post("/aggregate") { request, _ in
            try door.checkControl(request)
            return .json(try await compute.aggregate(try await request.readJSON(limit: LocalCompute.bodyBytes, reals: true)))
        }
    }
}

extension MinerControl {
    /// The mode, since when, and the reason that it is.
    var json: JSON {
        let (mode, since) = (mode, since)
        var members: [(String, JSON)] = [("mode", .string(mode.rawValue)), ("since", .integer(since))]
        if let reason = mode.reason { members.append(("reason", reason.json)) }
        return .object(JSONObject(distinct: members))
    }
}
