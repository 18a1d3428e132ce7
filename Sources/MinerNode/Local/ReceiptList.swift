package import Jobs
import Ledger
import Signing
package import Wire

/// Receipts as an operator sees them: where each is on its way from job to payment, since when, and why it stands still.
package enum ReceiptList {
    /// The most in one answer.
    package static let most = 1_000

    /// One receipt; amounts in base units, times in Unix milliseconds.
    ///
    /// - Parameters:
    ///   - trouble: what holds up everything that is on its way, such as a node that is out of reach.
    ///   - services: for remedies that can be pasted.
    ///   - earned: what a payment brings to the payout address, in base units; nil where that isn't known.
    package static func json(
        _ entry: OutboxEntry, trouble: Problem? = nil, services: ServiceAddresses = ServiceAddresses(coordinator: "", node: ""),
        earned: (_ units: Int64, _ price: Int64) -> Int64? = { _, _ in nil }
    ) -> JSON {
        let terms = entry.result.receipt.terms
        var members: [(String, JSON)] = [
            ("receipt_id", .string(entry.id.text)), ("job_id", .string(entry.jobID.text)), ("phase", .string(entry.phase.name)),
            ("compute_units", .integer(terms.computeUnits)), ("price", .integer(terms.price)), ("payout", .string(terms.payout.text)),
            ("device", .string(entry.result.device)), ("times_ms", entry.timeline.json),
        ]
        switch entry.phase {
        case .claiming(_, let transaction):
            members += [("tx", .string(transaction.hash(on: entry.chain).hex)), ("fee", .integer(transaction.fee)), ("nonce", .integer(transaction.nonce))]
        case .paid(_, let height): members.append(("height", .integer(height)))
        case .rejected(let problem): members.append(("reason", problem.brief))
        case .computed, .attested: break
        }
        // A rejected one brings nothing.
        if entry.phase.name != "rejected", let amount = earned(terms.computeUnits, terms.price) { members.append(("earned", .integer(amount))) }
        if entry.step != .nothing {
            if let delay = entry.delay { members.append(("reason", delay.json)) } else if let trouble { members.append(("reason", trouble.brief)) }
        }
        if let why = WorkReason(entry, trouble: trouble) { members.append(("why", why.json(services))) }
        return .object(JSONObject(distinct: members))
    }
}
