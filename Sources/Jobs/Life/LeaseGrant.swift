package import Signing
package import Wire

/// One attempt at a job: who holds it, since when and until when. Times are Unix milliseconds.
package struct LeaseGrant: Sendable, Equatable {
    /// `lease_` and 32 hex digits.
    package let id: String
    package let worker: Address
    /// Rises with every lease of the job, so that a late holder can be told from the present one.
    package let fence: Int64
    /// 32 hex digits that go into the receipt's id.
    package let nonce: String
    package let grantedAt: Int64
    /// Heartbeats move it, never past `limit`.
    package let deadline: Int64
    /// The latest time a heartbeat can move the deadline to.
    package let limit: Int64

    package init(id: String, worker: Address, fence: Int64, nonce: String, grantedAt: Int64, deadline: Int64, limit: Int64) {
        self.id = id
        self.worker = worker
        self.fence = fence
        self.nonce = nonce
        self.grantedAt = grantedAt
        self.deadline = min(deadline, limit)
        self.limit = limit
    }

    /// The same lease with a later deadline, bounded by its limit; never an earlier one.
    package func extended(to deadline: Int64) -> LeaseGrant {
        LeaseGrant(
            id: id, worker: worker, fence: fence, nonce: nonce, grantedAt: grantedAt, deadline: max(self.deadline, deadline), limit: limit)
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "lease grant")
        id = try fields.string("id", maxBytes: 64)
        worker = try Address(try fields.string("worker", maxBytes: 64))
        fence = try fields.integer("fence", in: 1...JSON.maxInteger)
        nonce = try fields.hex("nonce", bytes: 16)
        grantedAt = try fields.integer("grantedAt")
        deadline = try fields.integer("deadline")
        limit = try fields.integer("limit")
        try fields.finish()
    }

    package var json: JSON {
        [
            "id": .string(id), "worker": .string(worker.text), "fence": .integer(fence), "nonce": .string(nonce),
            "grantedAt": .integer(grantedAt), "deadline": .integer(deadline), "limit": .integer(limit),
        ]
    }
}
