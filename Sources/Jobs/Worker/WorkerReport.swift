package import Wire

/// All that a coordinator has to say to a worker about itself: `GET /workers/{address}`; with its registration, without `noWork`.
package struct WorkerReport: Sendable, Equatable {
    package let standing: WorkerStanding
    package let placement: TierPlacement
    package let view: WorkerView
    package let draining: Bool
    /// Leases that it holds.
    package let leases: Int64
    /// Why it would get nothing at this moment; nil where it would, and in the answer to a registration.
    package let noWork: NoWork?

    package init(standing: WorkerStanding, placement: TierPlacement, view: WorkerView, draining: Bool, leases: Int64, noWork: NoWork? = nil) {
        (self.standing, self.placement, self.view) = (standing, placement, view)
        (self.draining, self.leases, self.noWork) = (draining, leases, noWork)
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "worker report")
        standing = try WorkerStanding(json: try fields.value("standing"))
        placement = try TierPlacement(json: try fields.value("placement"))
        view = try WorkerView(json: try fields.value("view"))
        draining = try fields.bool("draining")
        leases = try fields.integer("leases")
        noWork = try fields.optional("noWork").map { (value) throws(Problem) in try NoWork(json: value) }
    }

    package var members: [(String, JSON?)] {
        [
            ("standing", standing.json), ("placement", placement.json), ("view", view.json), ("draining", .bool(draining)), ("leases", .integer(leases)),
            ("noWork", noWork?.json),
        ]
    }
}
