import Signing
import Wire

// TRANSFER, and the deposits among them (PROTOCOL sections 3 and 4).
extension BlockRun {
    mutating func execute(_ transfer: Transfer, from sender: Address, hash: Digest) throws(Problem) {
        switch (transfer.quote, transfer.to == .escrow) {
        case (nil, false):
            try overlay.debit(sender, transfer.amount)
            try overlay.credit(transfer.to, transfer.amount)
        case (let quote?, true):
            try open(quote, amount: transfer.amount, client: sender, hash: hash)
        case (nil, true):
            throw Problem(.escrowMismatch, "a transfer to the escrow address needs a quote")
        case (_?, false):
            throw Problem(.escrowMismatch, "a quote goes with the escrow address alone")
        }
    }

    /// Opens a job's escrow: the deposit lies in the escrow's record, not on an account.
    private mutating func open(_ quote: Quote, amount: Int64, client: Address, hash: Digest) throws(Problem) {
        guard quote.client == client else { throw Problem(.escrowMismatch, "the quote is \(quote.client)'s, not \(client)'s") }
        guard quote.price == amount else { throw Problem(.escrowMismatch, "the deposit is \(amount), the price \(quote.price)") }
        guard quote.namesItsJob(on: chain) else { throw Problem(.escrowMismatch, "the job's name does not follow from the quote") }
        guard overlay.escrow(quote.jobID) == nil else { throw Problem(.escrowExists, "\(quote.jobID) has an escrow") }
        guard height <= quote.expiresHeight else {
            throw Problem(.quoteExpired, "the quote held until height \(quote.expiresHeight), this is \(height)")
        }
        guard parameters.isCoordinator(quote.coordinator) else { throw Problem(.unknownCoordinator, "the chain does not list the quote's coordinator") }
        guard verified.coversInside(hash) || quote.coordinator.verifies(quote.signature, of: quote.digest(on: chain)) else {
            throw Problem(.badSignature, "the coordinator's signature on the quote does not hold")
        }
        try overlay.debit(client, amount)
        overlay.set(Escrow(opening: quote, payment: hash, height: height))
    }
}
