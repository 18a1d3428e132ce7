package import Wire

/// A settled claim: the claim's payload and the height of its block. Receipts stay.
package struct Receipt: Hashable, Sendable {
    package let claim: ReceiptClaim
    package let height: Int64

    package var id: ReceiptID { claim.terms.receiptID }

    init(claim: ReceiptClaim, height: Int64) {
        self.claim = claim
        self.height = height
    }

    init(_ json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "receipt")
        claim = try ReceiptClaim(&fields)
        height = try fields.integer("height")
        try fields.finish()
    }

    package var json: JSON { .object(JSONObject(distinct: claim.members + [("height", .integer(height))])) }
}
