package import Wire

/// Why a call for leases ended without one: the reasons, and how many of the jobs that wait each of them kept away.
package struct NoWork: Sendable, Equatable {
    package struct Obstacle: Sendable, Equatable {
        package let reason: WorkReason
        /// Jobs of those looked at.
        package let jobs: Int64
        /// What more there is to say, such as how long; printable ASCII, up to 256 bytes.
        package let detail: String?

        package init(_ reason: WorkReason, jobs: Int64, detail: String? = nil) { (self.reason, self.jobs, self.detail) = (reason, jobs, detail) }
    }

    /// Jobs that wait for a worker, in all.
    package let waiting: Int64
    /// How many of them, the oldest, were looked at.
    package let looked: Int64
    /// The one that kept most jobs away first; never empty. Each reason once.
    package let obstacles: [Obstacle]

    package init(waiting: Int64, looked: Int64, obstacles: [Obstacle]) {
        (self.waiting, self.looked) = (waiting, looked)
        self.obstacles = obstacles.isEmpty ? [Obstacle(waiting == 0 ? .noJobs : .noFittingJob, jobs: looked)] : obstacles
    }

    /// The reason to show where there is room for one.
    package var reason: WorkReason { obstacles.first?.reason ?? .noJobs }

    /// Reads an answer's member. Reasons that this version doesn't know are left out.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "noWork")
        let waiting = try fields.integer("waiting")
        let looked = try fields.integer("looked", in: 0...waiting)
        var obstacles: [Obstacle] = []
        for item in try fields.array("reasons", maxCount: 64) {
            var inner = try JSONFields(item, "reason")
            let jobs = try inner.integer("jobs", in: 0...looked)
            let detail = try inner.optionalString("detail", maxBytes: 256).map(Self.printable)
            guard let reason = WorkReason(rawValue: try inner.string("code", maxBytes: 64)), !obstacles.contains(where: { $0.reason == reason }) else {
                continue
            }
            obstacles.append(Obstacle(reason, jobs: jobs, detail: detail))
        }
        self.init(waiting: waiting, looked: looked, obstacles: obstacles)
    }

    package var json: JSON {
        [
            "waiting": .integer(waiting), "looked": .integer(looked),
            "reasons": .array(
                obstacles.map {
                    .members([("code", .string($0.reason.rawValue)), ("jobs", .integer($0.jobs)), ("detail", $0.detail.map { .string($0) })])
                }),
        ]
    }

    /// It comes from outside and ends up on a terminal.
    static func printable(_ text: String) -> String {
        String(decoding: text.utf8.map { (32..<127).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}
