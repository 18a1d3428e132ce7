import HTTPServing
import Jobs
import Wire

/// `GET /history`: charts' figures; `GET /history/events`: what happened, with reasons.
enum HistoryRoutes {
    /// The most events in one answer.
    static let most = 500

    static func add(to routes: Routes, door: LocalGuard, _ store: HistoryStore, _ services: ServiceAddresses, now: @escaping @Sendable () -> Int64) {
        let queue = DiskQueue("history-reading")
        routes.get("/history") { request, _ in
            try door.checkOrigin(request)
            let hours = request.query("hours").map { Int64($0) ?? 0 } ?? 24
            guard (1...HistoryStore.longestHours).contains(hours) else { throw Problem(.badRequest, "hours is 1 … \(HistoryStore.longestHours)") }
            let report = try await queue.run { () throws(Problem) in try store.report(hours: hours, now: now()) }
            return .json(report.json)
        }
        routes.get("/history/events") { request, _ in
            try door.checkOrigin(request)
            let limit = request.query("limit").map { Int($0) ?? 0 } ?? 50
            guard (1...most).contains(limit) else { throw Problem(.badRequest, "limit is 1 … \(most)") }
            let before = request.query("before").map { Int64($0) ?? -1 }
            if let before, before < 0 { throw Problem(.badRequest, "before is an event's id") }
            let events = try await queue.run { () throws(Problem) in try store.events(limit: limit, before: before) }
            return .json(["events": .array(events.map { $0.explained(services) })])
        }
    }
}

extension HistoryEvent {
    /// With the reason's meaning and remedy, where it is one of the known ones.
    func explained(_ services: ServiceAddresses) -> JSON {
        guard let reason = reason.flatMap(WorkReason.init(rawValue:)), case .object(let members) = json else { return json }
        return .object(members.setting("meaning", to: .string(reason.meaning)).setting("remedy", to: .string(services.filled(reason.remedy))))
    }
}
