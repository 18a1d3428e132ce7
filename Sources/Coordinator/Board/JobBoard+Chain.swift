import HTTPServing
import Jobs
import Ledger
import Logging
import Signing
import Wire

// What the chain says.
extension JobBoard {
    /// The questions to ask of the chain in one round: at most `limit` jobs, in turn.
    ///
    /// A claim is looked for for 7,200 blocks, four hours at two seconds each: a miner that has not claimed by then is not waited for.
    func watched(limit: Int) -> (unpaid: [Quote], unclaimed: [(job: JobID, receipt: ReceiptID)]) {
        var open = jobs.values.filter { $0.state.payment == nil || $0.stored.finished != nil }
        guard !open.isEmpty, let height else { return ([], []) }
        // Where one round asks about all of them, any order will do.
        if open.count > limit { open.sort { $0.stored.id < $1.stored.id } }
        for job in open where job.stored.finished != nil {
            let until = job.watchUntil ?? height + 7200
            if height > until { jobs[job.stored.id] = nil } else { jobs[job.stored.id]?.watchUntil = until }
        }
        watchFrom %= open.count
        let round = (open[watchFrom...] + open[..<watchFrom]).prefix(limit)
        watchFrom += round.count
        return (
            round.filter { $0.state.payment == nil }.map(\.quote),
            round.compactMap { job in job.stored.finished.map { (job: job.stored.id, receipt: $0.claim.terms.receiptID) } }
        )
    }

    /// The head and the parameters, as just seen.
    func see(height: Int64, terms: ChainTerms) {
        let first = self.terms == nil
        let isNew = height != self.height
        self.height = height
        self.terms = terms
        seenChainAt = clock.nowMilliseconds
        metrics.height(height)
        if isNew { endWhatCannotEnd() }
        if first { answerCalls() }
    }

    /// Gives up jobs for which no lease would end before their client could have its money back.
    private func endWhatCannotEnd() {
        for id in waiting {
            guard let job = jobs[id], job.state.phase == .queued, !endsBeforeRefund(job) else { continue }
            do {
                try advance(id, .refundNear)
            } catch {
                logger.error("give_up_failed", metadata: ["job_id": "\(id)", "error": "\(error)"])
            }
        }
        waiting.removeAll { jobs[$0]?.state.phase != .queued }
    }

    /// Jobs' escrows are on the chain, or are not at a head of `height`. Each job moves on its own; all are stored in one transaction.
    func see(_ escrows: [(quote: Quote, escrow: EscrowView?)], height: Int64) throws(Problem) {
        var steps: [BoardStep] = []
        for (quote, escrow) in escrows {
            guard let job = jobs[quote.jobID], job.state.payment == nil else { continue }
            if let escrow, escrow.pays(quote) {
                add(.paid(JobPayment(tx: escrow.payment, height: escrow.opened)), to: quote.jobID, &steps)
            } else if escrow == nil, height > quote.expiresHeight {
                if job.state.phase == .canceled { jobs[quote.jobID] = nil } else { add(.quoteExpired, to: quote.jobID, &steps) }
            }
        }
        guard !steps.isEmpty else { return }
        let now = clock.nowMilliseconds
        try make(steps) {
            for step in steps {
                guard let payment = step.job.state.payment else { continue }
                logger.event("task_paid", height: payment.height, job: step.id.text, latency: step.job.age(at: now))
            }
        }
    }

    /// The claims of jobs' receipts are in blocks: the jobs are done with.
    func seeClaims(_ claims: [(job: JobID, height: Int64)]) throws(Problem) {
        var steps: [BoardStep] = []
        for (id, height) in claims where jobs[id] != nil { add(.claimed(height: height), to: id, &steps) }
        guard !steps.isEmpty else { return }
        let now = clock.nowMilliseconds
        try make(steps)
        for step in steps {
            if let terms = step.job.stored.finished?.claim.terms { totals.add(paid: terms) }
            jobs[step.id] = nil
            logger.event("receipt_confirmed", height: step.job.state.claimHeight, job: step.id.text, latency: step.job.age(at: now))
        }
    }

    /// One job that can't take an event must not keep the others from theirs.
    private func add(_ event: JobEvent, to id: JobID, _ steps: inout [BoardStep]) {
        do {
            if let step = try step(id, event) { steps.append(step) }
        } catch {
            logger.error("chain_event_refused", metadata: ["job_id": "\(id)", "error": "\(error)"])
        }
    }

    func networkState() -> NetworkState {
        let present = presentWorkers()
        let busy = present.count { $0.leases > 0 }
        var tiers: [Tier: Int64] = Dictionary(uniqueKeysWithValues: Tier.allCases.map { ($0, 0) })
        var claimed = tiers
        var speed: Int64 = 0
        var (memory, cores): (Int64, Int64) = (0, 0)
        for worker in present {
            tiers[worker.placement.tier, default: 0] += 1
            claimed[worker.registration.tier, default: 0] += 1
            let profile = worker.registration.profile
            speed += min(profile.f32FlopsPerSecond, JSON.maxInteger - speed)
            memory += min(profile.memoryBytes, JSON.maxInteger - memory)
            cores += min(Int64(profile.cores), JSON.maxInteger - cores)
        }
        return NetworkState(
            chain: configuration.chain, coordinator: configuration.key.publicKey, height: height ?? 0,
            pricePerUnit: max(configuration.pricePerUnit, terms?.minPricePerUnit ?? 0),
            maxBlobBytes: Int64(configuration.limits.blobBytes), workers: tiers, draining: Int64(present.count { $0.stored.draining }),
            utilization: present.isEmpty ? 0 : Double(busy) / Double(present.count), f32FlopsPerSecond: speed, jobs: counts.filter { $0.value > 0 },
            totals: totals, mintPerUnit: terms?.mintPerUnit ?? 0, memoryBytes: memory, cores: cores, burnBps: terms?.burnBps ?? 0,
            demand: demand.lastDay(now: clock.nowMilliseconds), claimed: claimed)
    }

    /// Throws `syncing` unless the chain was seen within the last minute.
    func health() throws(Problem) {
        guard height != nil, clock.nowMilliseconds - seenChainAt < 60_000 else { throw Problem(.syncing, "the chain is out of sight") }
        guard !isStopping else { throw Problem(.unavailable, "the coordinator is stopping") }
    }
}
