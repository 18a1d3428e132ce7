import Signing
import Wire

// ESCROW_REFUND: how a client's money comes back (PROTOCOL section 3).
extension BlockRun {
    /// Marks an escrow as closing. Until the block of `closing_at` its parts can still be claimed.
    ///
    /// The escrow's coordinator may do so at any time, its client once `escrow_timeout_blocks` have passed. That a
    /// coordinator doesn't after it has attested is its own duty: the chain can't see attestations.
    mutating func beginRefund(of job: JobID, by sender: Address, fee: Int64) throws(Problem) {
        guard var escrow = overlay.escrow(job) else { throw Problem(.unknownEscrow, "\(job) has no escrow") }
        if sender != escrow.coordinator.address {
            guard sender == escrow.client else { throw Problem(.forbidden, "only the escrow's coordinator or its client may ask for a refund") }
            let earliest = try Amount.add(escrow.opened, parameters[.escrowTimeout])
            guard height >= earliest else { throw Problem(.refundTooEarly, "the client may ask for a refund from height \(earliest) on") }
        }
        switch escrow.status {
        case .open: break
        case .closing: throw Problem(.escrowClosing, "the escrow closes at height \(escrow.closingAt) already")
        case .settled, .refunded: throw Problem(.escrowClosed, "the escrow of \(job) is \(escrow.status.rawValue)")
        }
        let holding = try escrow.holding()
        guard fee <= holding else { throw Problem(.insufficientBalance, "the escrow holds \(holding), which does not cover the fee of \(fee)") }
        // At the earliest the next block, whose start is the first to come.
        escrow.close(at: try Amount.add(height, max(1, parameters[.refundDelay])), fee: fee)
        overlay.set(escrow)
    }

    /// What comes first in every block: the refunds that are due, in the order of job ids.
    ///
    /// What claims left in the escrow goes back to the client, less the fee, which this block's proposer gets.
    mutating func payDueRefunds() throws(Problem) {
        for job in overlay.base.refunds.due(at: height) {
            guard var escrow = overlay.escrow(job) else { continue }
            let holding = try escrow.holding()
            let fee = min(escrow.refundFee, holding)
            escrow.markRefunded()
            overlay.set(escrow)
            try overlay.credit(escrow.client, holding - fee)
            try overlay.credit(proposer, fee)
            overlay.commit()
        }
    }
}
