import Ledger
package import Wire

// Entries as they were written before what changes was kept apart: one document, written anew with every step.
extension OutboxEntry {
    /// Reads a whole entry of version 1.
    package init(version1 json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "outbox entry")
        _ = try fields.integer("version", in: 1...1)
        let lasting = try OutboxEntry(lasting: &fields, bytes: [:])
        let phase = try Self.phase(&fields)
        // Missing in what the first builds wrote.
        let times = try fields.optional("times").map { (value) throws(Problem) in try Timeline(json: value) }
        let delay = try fields.optional("delay").map { (value) throws(Problem) in try Delay(json: value) }
        try fields.finish()
        self = lasting.at(phase, times ?? Timeline(), delay)
    }

    private static func phase(_ fields: inout JSONFields) throws(Problem) -> Phase {
        switch try fields.string("phase", maxBytes: 16) {
        case "computed": return .computed
        case "attested": return .attested(try ReceiptClaim(try fields.value("claim")))
        case "claiming": return .claiming(try ReceiptClaim(try fields.value("claim")), try Transaction(try fields.value("tx")))
        case "paid": return .paid(try ReceiptClaim(try fields.value("claim")), height: try fields.integer("height"))
        case "rejected":
            let code = try fields.string("code", maxBytes: 64)
            return .rejected(Problem(Problem.Code(rawValue: code) ?? .internalError, try fields.string("detail", maxBytes: 1 << 16)))
        default: throw Problem(.outOfRange, "outbox entry: no phase is called that")
        }
    }
}
