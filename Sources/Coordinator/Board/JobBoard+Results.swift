import HTTPServing
import Jobs
import Kernels
import Ledger
import Logging
import Signing
import Wire

// From a worker's commitment to the coordinator's signature.
extension JobBoard {
    /// Takes a worker's commitment. What is written here is what will be checked: the challenge does not exist yet.
    ///
    /// A repeated message gets the same outcome as the first.
    /// - Returns: a stream that gives the outcome once; it ends without one when the service stops, or after four newer calls.
    /// - Throws: `unknown_lease`, `lease_expired`, `stale_fence`, `lease_taken`, `output_mismatch`, `unknown_blob`, and what
    ///   `SignedReceipt.check` throws. The lease lives on then: nothing was committed.
    func commit(_ lease: String, by worker: Address, _ submission: ResultSubmission) throws(Problem) -> AsyncStream<ResultOutcome> {
        let (stream, sink) = AsyncStream<ResultOutcome>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let result = submission.result
        workers[worker]?.seen = clock.nowMilliseconds
        if let outcome = try outcome(of: lease, by: worker) {
            var leases: [Lease] = []
            // The first answer was lost, and what came with it: `GET /leases` has it. Here are others.
            if case .accepted = outcome, let next = submission.next { leases = (try? self.lease(to: worker, max: next)) ?? [] }
            sink.yield(ResultOutcome(outcome: outcome, leases: leases))
            sink.finish()
            return stream
        }
        let id = try jobOf(lease, by: worker)
        guard let job = jobs[id], let held = job.lease else { throw Problem(.unknownLease, "this worker has no such lease") }
        if let commitment = held.commitment {
            guard commitment.output == result.output, commitment.receipt == result.receipt else {
                throw Problem(.leaseTaken, "another output is committed for this lease; it is under check")
            }
        } else {
            let inline = Dictionary(submission.tensors.map { ($0.root, $0) }) { first, _ in first }
            try examine(result, of: job, held, inline)
            let small = result.output.outputs.compactMap { inline[$0.root] }
            let step = try step(id, .committed(lease: lease, fence: result.fence)) { $0.lease?.commitment = result }
            let own = configuration.key.address
            let kept = small.map { SmallBlob(root: $0.root, bytes: $0.bytes, owner: own) }
            if let step { try make([step], blobs: kept) { gate.add(own, bytes: kept.reduce(0) { $0 + $1.bytes.count }) } }
        }
        if let next = submission.next, next > 0 { wanted[lease] = next }
        // A stopping coordinator checks nothing more: what is committed is checked after the next start.
        if isStopping { sink.finish() } else { listen(sink, to: lease) }
        return stream
    }

    /// A worker that asks again has mostly given up its earlier call: of its calls only the latest few are kept.
    private func listen(_ sink: AsyncStream<ResultOutcome>.Continuation, to lease: String) {
        var listeners = outcomes[lease] ?? []
        if listeners.count >= 4 { listeners.removeFirst().finish() }
        outcomes[lease] = listeners + [sink]
    }

    /// What came of a lease that is over; `nil` while it is in force.
    private func outcome(of lease: String, by worker: Address) throws(Problem) -> LeaseOutcome? {
        if leased[lease] != nil { return nil }
        guard let stored = try store.lease(lease), stored.grant.worker == worker else {
            throw Problem(.unknownLease, "this worker has no such lease")
        }
        return stored.outcome
    }

    /// Throws unless the result is well formed for the job, its tensors are here, and the miner signed exactly the lease's terms.
    private func examine(_ result: LeaseResult, of job: BoardJob, _ held: StoredLease, _ inline: [Digest: InlineTensor]) throws(Problem) {
        guard result.fence == held.grant.fence else { throw Problem(.staleFence, "the lease's fencing number is \(held.grant.fence)") }
        guard clock.nowMilliseconds <= held.grant.deadline else { throw Problem(.leaseExpired, "the lease's deadline has passed") }
        try result.output.check(spec: job.stored.spec, kernel: job.kernel)
        try result.receipt.check(against: try expected(result.output, job, held), on: configuration.chain)
        for output in result.output.outputs {
            guard let bytes = inline[output.root]?.bytes.count ?? blobs.byteCount(output.root) else {
                throw Problem(.unknownBlob, "output \(output.descriptor.name): no blob has the root \(output.root.hex)")
            }
            guard bytes == output.descriptor.byteCount else {
                throw Problem(.outputMismatch, "output \(output.descriptor.name) has \(bytes) bytes, not \(output.descriptor.byteCount)")
            }
        }
    }

    /// The terms that follow from the spec, the quote, the lease and the output; none of them from what the worker says of itself.
    private func expected(_ output: OutputMetadata, _ job: BoardJob, _ held: StoredLease) throws(Problem) -> ReceiptTerms {
        try ReceiptTerms(
            chain: configuration.chain, jobID: job.stored.id, part: 0, client: job.quote.client, miner: held.grant.worker, payout: held.payout,
            computeUnits: try job.quote.units(of: 0), price: try job.quote.price(of: 0), outputHash: output.hash,
            nonce: try Nonce16(held.grant.nonce))
    }

    /// Writes what a check came to, signs what it accepted, and tells whoever waits.
    ///
    /// - Returns: false if it could not be written; then nothing is signed and nobody is told.
    func conclude(_ lease: String, _ verdict: CheckVerdict) -> Bool {
        guard let id = leased[lease], let job = jobs[id], let held = job.lease, let result = held.commitment else { return true }
        do {
            switch verdict {
            case .unavailable: try advance(id, .checkUnavailable(lease: lease))
            case .finished(let report, let challenge, let microseconds):
                metrics.checked(accepted: report.isAccepted, microseconds: microseconds)
                if let refusal = report.refusal {
                    let problem = Problem(.verificationFailed, refusal.reason)
                    logger.event(
                        "check_refused", level: .warning, job: id.text, latency: .microseconds(microseconds),
                        ["worker": "\(held.grant.worker)", "reason": "\(refusal.reason)"])
                    guard let step = try step(id, .checkFailed(lease: lease), update: { $0.lease?.outcome = .refused(problem) }) else { return true }
                    try make([step], standings: standings(after: false, held))
                } else {
                    let record = VerificationRecord(
                        report: report.json, challenge: challenge, checkMicroseconds: microseconds,
                        computeMicroseconds: result.timing.computeMicroseconds, worker: held.grant.worker, device: result.device,
                        attempts: job.state.attempts)
                    try accept(id, job, held, result, record)
                }
            }
            return true
        } catch {
            logger.error("conclusion_failed", metadata: ["job_id": "\(id)", "error": "\(error)"])
            return false
        }
    }

    private func accept(
        _ id: JobID, _ job: BoardJob, _ held: StoredLease, _ result: LeaseResult, _ record: VerificationRecord
    ) throws(Problem) {
        guard let payment = job.state.payment else { throw Problem(.notReady, "the job is not paid") }
        let terms = try expected(result.output, job, held)
        let claim = ReceiptClaim(
            terms: terms, payment: payment.tx, minerKey: result.receipt.minerKey, minerSignature: result.receipt.minerSignature,
            coordinatorKey: configuration.key.publicKey,
            coordinatorSignature: configuration.key.sign(terms.attestDigest(on: configuration.chain, payment: payment.tx)))
        let outcome = LeaseOutcome.accepted(LeaseResultAnswer(claim: claim, verification: record))
        let passed = try step(id, .checkPassed(lease: held.grant.id)) { job in
            job.stored.finished = FinishedWork(output: result.output, claim: claim, record: record)
            job.lease?.outcome = outcome
        }
        guard let passed else { return }
        // What the worker does next is stored with its signature: a write, and a wait for the disk, less.
        let next = try? plan(for: held.grant.worker, max: outcomes[held.grant.id] == nil ? 0 : wanted[held.grant.id] ?? 0, ending: held.grant.id)
        try make([passed] + (next?.steps ?? []), standings: standings(after: true, held)) {
            release(held.grant)
            totals.add(done: terms)
            if let next { settle(next) }
        }
        tellCompleted(job.stored, terms)
        let uploaded = result.output.outputs.map(\.root).filter { blobs.byteCount($0) != nil }
        if !uploaded.isEmpty { takeOver(uploaded, from: held.grant.worker) }
        logger.event(
            "task_completed", job: id.text, latency: job.age(at: clock.nowMilliseconds),
            ["worker": "\(held.grant.worker)", "class": "\(record.className)", "check_us": .stringConvertible(record.checkMicroseconds)])
        tell(held.grant.id, outcome, leases: next?.leases ?? [])
    }
}
