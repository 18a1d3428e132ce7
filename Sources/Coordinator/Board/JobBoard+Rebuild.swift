import Jobs
import Ledger
import Logging
import Signing
import Wire

// What the chain knows and this store may not: escrows are the truth about payments.
extension JobBoard {
    /// Takes up an open escrow of this coordinator's: a payment that was missed queues its job, one that nobody will work for goes
    /// back to its client. To be told of the same escrow again changes nothing.
    ///
    /// An escrow without a job here was sold by a store that is lost, or by one that was set back. Its worker may hold a signature
    /// of that time, so it gets `strayEscrowBlocks` to claim with before a refund is begun.
    func adopt(_ escrow: EscrowView, height: Int64) throws(Problem) {
        guard escrow.coordinator == configuration.key.publicKey, escrow.isOpen else { return }
        if let job = jobs[escrow.jobID] { return try see([(job.quote, escrow)], height: height) }
        guard let stored = try store.job(escrow.jobID) else { return try giveBack(stray: escrow, height: height) }
        guard stored.finished == nil, escrow.pays(stored.quote) else { return }
        if stored.state.payment == nil {
            guard let kernel = try? stored.spec.kernel() else { return try orderRefund(escrow.jobID) }
            jobs[stored.id] = BoardJob(stored: stored, kernel: kernel)
            try see([(stored.quote, escrow)], height: height)
        } else if stored.state.phase.isFinal {
            try orderRefund(escrow.jobID)
        }
    }

    /// Whether a later look is needed for escrows that wait for their refund.
    var hasStrays: Bool { !strays.isEmpty }

    private func giveBack(stray escrow: EscrowView, height: Int64) throws(Problem) {
        guard let first = strays[escrow.jobID] else {
            // Bounded: the rest is looked at when these are done.
            if strays.count < 10_000 { strays[escrow.jobID] = height }
            logger.warning("escrow_unknown", metadata: ["job_id": "\(escrow.jobID)", "height": .stringConvertible(escrow.opened)])
            return
        }
        guard height >= first + configuration.limits.strayEscrowBlocks else { return }
        try orderRefund(escrow.jobID)
        strays[escrow.jobID] = nil
    }

    private func orderRefund(_ id: JobID) throws(Problem) {
        guard try store.orderRefund(of: id, from: configuration.key.address, now: clock.nowMilliseconds) else { return }
        logger.info("task_refunding", metadata: ["job_id": "\(id)"])
    }
}
