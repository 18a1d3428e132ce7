import Jobs
import Ledger
import Signing
import Wire

extension Sponsor {
    /// The payment of a sponsored task's quote, and the ticket that shows the task.
    ///
    /// Not the job's id: the chain shows that to everybody, with the escrow.
    func payment(of quote: Quote, terms: ChainTerms) throws(Problem) -> SponsoredPayment {
        let payload = Payload.transfer(try Transfer(to: .escrow, amount: quote.price, quote: quote))
        return SponsoredPayment(
            sender: key.address, payload: payload, amount: try Amount.add(quote.price, try terms.fee(payload)),
            ticket: Ticket.prefix + SecureRandom.hex(bytes: 16), perHour: perHour, inAll: inAll)
    }
}

/// The name of a sponsored task: who knows it may look.
enum Ticket {
    static let prefix = "task_"

    /// Whether `text` is written like a ticket.
    static func isOne(_ text: String) -> Bool { text.hasPrefix(prefix) && Hex.decode(String(text.dropFirst(prefix.count)))?.count == 16 }
}
