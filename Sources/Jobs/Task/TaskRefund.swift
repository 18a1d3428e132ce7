package import Wire

/// How far the money of a paid task that will not be done has come on its way back.
package struct TaskRefund: Sendable, Equatable {
    package enum Stage: String, CaseIterable, Sendable { case refunding, refunded }

    package let stage: Stage
    /// The ESCROW_REFUND, once it is signed.
    package let tx: Digest?
    /// The height of its block, then a height with the money back.
    package let height: Int64?

    package init(stage: Stage, tx: Digest?, height: Int64?) {
        self.stage = stage
        self.tx = tx
        self.height = height
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "refund")
        guard let stage = Stage(rawValue: try fields.string("status", maxBytes: 32)) else { throw Problem(.outOfRange, "no refund has this status") }
        self.stage = stage
        tx = fields.optional("tx") == nil ? nil : try fields.digest("tx")
        height = try fields.optionalInteger("height")
    }

    package var json: JSON {
        .members([("status", .string(stage.rawValue)), ("tx", tx.map { .string($0.hex) }), ("height", height.map { .integer($0) })])
    }
}

/// What a task is about, for lists.
package struct TaskSummary: Sendable, Equatable {
    /// The kernel.
    package let type: String
    /// In base units.
    package let price: Int64
    /// Unix milliseconds.
    package let created: Int64

    package init(type: String, price: Int64, created: Int64) {
        self.type = type
        self.price = price
        self.created = created
    }
}
