package import Wire

/// A worker's call for work: `POST /leases` `{"max", "wait", "kernels"?, "dtypes"?, "minPricePerUnit"?}`.
package struct LeaseRequest: Sendable, Equatable {
    /// The most leases to give, 1…16.
    package let max: Int
    /// Seconds to wait for the first one, 0…60.
    package let waitSeconds: Int
    /// Which jobs are wanted; also for those that come with results, until the next call.
    package let wishes: WorkWishes

    package init(max: Int, waitSeconds: Int, wishes: WorkWishes = .none) {
        (self.max, self.waitSeconds, self.wishes) = (max, waitSeconds, wishes)
    }

    /// Reads the request; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "lease request")
        max = Int(try fields.integer("max", in: 1...16))
        waitSeconds = Int(try fields.integer("wait", in: 0...60))
        wishes = try WorkWishes(reading: &fields)
        try fields.finish()
    }

    package var json: JSON { .members([("max", .integer(Int64(max))), ("wait", .integer(Int64(waitSeconds)))] + wishes.members) }
}
