import HTTPServing
import Jobs
import Kernels
import Ledger
import Logging
import Signing
import Wire

// From a worker's commitment to the coordinator's signature.
extension JobBoard {
    /// Takes a worker's commitments. What is written here is what will be checked: the challenge does not exist yet.
    ///
    /// Those that come together are written together. A repeated message gets the same outcome as the first.
    /// - Returns: for each a stream that gives the outcome once; it ends without one when the service stops, or after four newer calls.
    ///   Or what there is against it: `unknown_lease`, `lease_expired`, `stale_fence`, `lease_taken`, `output_mismatch`, `unknown_blob`,
    ///   and what `SignedReceipt.check` throws. The lease lives on then: nothing was committed. `unavailable` while the same commitment
    ///   is being written; `io_failed`.
    func commit(_ items: [ResultBatch.Item], by worker: Address) async -> [Result<AsyncStream<ResultOutcome>, Problem>] {
        var answers: [Result<AsyncStream<ResultOutcome>, Problem>] = []
        var new: [(place: Int, commit: PendingCommit, then: () -> Void)] = []
        for item in items {
            let (stream, sink) = AsyncStream<ResultOutcome>.makeStream(bufferingPolicy: .bufferingNewest(1))
            do throws(Problem) {
                if let commit = try begin(item.lease, by: worker, item.submission, sink) {
                    new.append((answers.count, commit, { self.listen(sink, to: item.lease, next: item.submission.next) }))
                }
                answers.append(.success(stream))
            } catch {
                answers.append(.failure(error))
            }
        }
        let outcomes = await write(new.map { ($0.commit, $0.then) })
        for (one, outcome) in zip(new, outcomes) { if case .failure(let problem) = outcome { answers[one.place] = .failure(problem) } }
        return answers
    }

    /// Looks at a commitment; nil where it is known already, and its outcome goes to `sink`.
    private func begin(
        _ lease: String, by worker: Address, _ submission: ResultSubmission, _ sink: AsyncStream<ResultOutcome>.Continuation
    ) throws(Problem) -> PendingCommit? {
        let result = submission.result
        workers[worker]?.seen = clock.nowMilliseconds
        if let outcome = try outcome(of: lease, by: worker) {
            var leases: [Lease] = []
            // The first answer was lost, and what came with it: `GET /leases` has it. Here are others.
            if case .accepted = outcome, let next = submission.next { leases = (try? self.lease(to: worker, max: next)) ?? [] }
            sink.yield(ResultOutcome(outcome: outcome, leases: leases))
            sink.finish()
            return nil
        }
        let id = try jobOf(lease, by: worker)
        guard let job = jobs[id], let held = job.lease else { throw Problem(.unknownLease, "this worker has no such lease") }
        if let commitment = held.commitment {
            guard commitment.output == result.output, commitment.receipt == result.receipt else {
                throw Problem(.leaseTaken, "another output is committed for this lease; it is under check")
            }
            listen(sink, to: lease, next: submission.next)
            return nil
        }
        let inline = Dictionary(submission.tensors.map { ($0.root, $0) }) { first, _ in first }
        try examine(result, of: job, held, inline)
        return PendingCommit(lease: lease, job: id, result: result, small: result.output.outputs.compactMap { inline[$0.root] })
    }

    /// The outcome goes to `sink`, with up to `next` leases.
    ///
    /// A worker that asks again has mostly given up its earlier call: of its calls only the latest few are kept. A stopping
    /// coordinator checks nothing more: what is committed is checked after the next start.
    private func listen(_ sink: AsyncStream<ResultOutcome>.Continuation, to lease: String, next: Int?) {
        if let next, next > 0 { wanted[lease] = next }
        guard !isStopping else { return sink.finish() }
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
    func expected(_ output: OutputMetadata, _ job: BoardJob, _ held: StoredLease) throws(Problem) -> ReceiptTerms {
        try ReceiptTerms(
            chain: configuration.chain, jobID: job.stored.id, part: 0, client: job.quote.client, miner: held.grant.worker, payout: held.payout,
            computeUnits: try job.quote.units(of: 0), price: try job.quote.price(of: 0), outputHash: output.hash,
            nonce: try Nonce16(held.grant.nonce))
    }
}
