package import Wire

/// A sign of life from the holder of a lease: `POST /leases/{id}/heartbeat`.
package struct Heartbeat: Sendable, Equatable {
    /// The lease's fencing number.
    package let fence: Int64
    /// Share of the work that is done, 0…1.
    package let progress: Double?

    package init(fence: Int64, progress: Double?) {
        self.fence = fence
        self.progress = progress
    }

    /// Reads `{"fence", "progress"?}`, parsed with reals allowed; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "heartbeat")
        fence = try fields.integer("fence", in: 1...JSON.maxInteger)
        progress = try fields.optionalRatio("progress")
        try fields.finish()
    }

    package var json: JSON { .members([("fence", .integer(fence)), ("progress", progress.map(JSON.ratio))]) }
}

/// The answer to a heartbeat: until when the lease now lives, and whether to go on at all.
package struct HeartbeatAnswer: Sendable, Equatable {
    /// Unix time in milliseconds.
    package let deadlineMilliseconds: Int64
    /// The job was canceled: stop, there is nothing to earn.
    package let canceled: Bool

    package init(deadlineMilliseconds: Int64, canceled: Bool) {
        self.deadlineMilliseconds = deadlineMilliseconds
        self.canceled = canceled
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "heartbeat answer")
        deadlineMilliseconds = try fields.integer("deadlineMs")
        canceled = try fields.bool("canceled")
    }

    package var json: JSON { .members([("deadlineMs", .integer(deadlineMilliseconds)), ("canceled", .bool(canceled))]) }
}
