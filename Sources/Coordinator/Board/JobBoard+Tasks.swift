import HTTPServing
import Jobs
import Kernels
import Ledger
import Logging
import Signing
import Wire

// What clients ask for.
extension JobBoard {
    /// Everything about a spec that can be refused without reading a tensor.
    ///
    /// - Throws: `quota_exceeded`; the kernel's own refusals; `unknown_blob`, `shape_mismatch`; `memory_limit`, `no_capable_worker`; `too_many_units`.
    func examine(_ spec: JobSpec, client: Address) throws(Problem) -> any Kernel {
        try findRoom(for: client)
        let kernel = try spec.kernel()
        guard kernel.checkBytes <= configuration.limits.jobBytes else {
            throw Problem(.memoryLimit, "checking the job takes \(kernel.checkBytes) bytes, the limit is \(configuration.limits.jobBytes)")
        }
        for output in kernel.outputs where output.byteCount > configuration.limits.blobBytes {
            throw Problem(.memoryLimit, "output \(output.name) has \(output.byteCount) bytes, a blob may have \(configuration.limits.blobBytes)")
        }
        guard kernel.operations > 0 else { throw Problem(.shapeMismatch, "a dimension is 0: there is nothing to compute") }
        try findInputs(spec)
        if let most = terms?.maxUnitsPerClaim, most > 0, kernel.computeUnits > most {
            throw Problem(.tooManyUnits, "the job has \(kernel.computeUnits) units, the chain takes \(most) in a claim")
        }
        try findWorker(spec.requirements, bytes: Int64(clamping: kernel.memoryBytes))
        return kernel
    }

    /// Throws `unknown_blob` or `shape_mismatch` unless all blobs are here.
    private func findInputs(_ spec: JobSpec) throws(Problem) {
        for input in spec.inputs {
            guard let root = input.root else { continue }
            guard let bytes = blobs.byteCount(root) else { throw Problem(.unknownBlob, "input \(input.name): no blob has the root \(root.hex)") }
            guard bytes == input.descriptor.byteCount else {
                throw Problem(.shapeMismatch, "input \(input.name): the blob has \(bytes) bytes, its shape needs \(input.descriptor.byteCount)")
            }
        }
    }

    /// Throws `quota_exceeded` when there are too many open jobs, or too many that this client has not paid.
    private func findRoom(for client: Address) throws(Problem) {
        guard jobs.values.count(where: { $0.stored.finished == nil }) < configuration.limits.openJobs else {
            throw Problem(.quotaExceeded, "there are too many open jobs")
        }
        let unpaid = jobs.values.count { $0.state.phase == .quoted && $0.quote.client == client }
        guard unpaid < configuration.limits.unpaidJobsPerClient else { throw Problem(.quotaExceeded, "this client has too many unpaid quotes") }
    }

    /// Refuses at once what none of the present workers could do; with no worker present, waits for one.
    private func findWorker(_ requirements: Requirements, bytes: Int64) throws(Problem) {
        let present = presentWorkers()
        guard !present.isEmpty else { return }
        if present.contains(where: { $0.registration.obstacle(requirements, bytes: bytes, tier: expectedTier(of: $0)) == nil }) { return }
        guard present.contains(where: { $0.registration.meets(.none, bytes: bytes) }) else {
            throw Problem(.memoryLimit, "the job's tensors take \(bytes) bytes, more than any worker has")
        }
        throw Problem(.noCapableWorker, "no worker meets the job's requirements")
    }

    /// The answer that an earlier call with the same key got.
    ///
    /// - Throws: `idempotency_conflict` if that call had another body.
    func earlier(_ key: IdempotencyKey) throws(Problem) -> TaskAnswer? {
        guard let (id, body) = try store.job(for: key) else { return nil }
        guard body == key.body else { throw Problem(.idempotencyConflict, "this Idempotency-Key was used with another body; use a fresh one") }
        guard let job = try store.job(id) else { throw Problem(.ioFailed, "a job is missing from the store") }
        return TaskAnswer(quote: job.quote, verification: try job.spec.kernel().verification.json)
    }

    /// Makes, stores and gives a quote for an examined and admitted spec.
    ///
    /// - Throws: `unavailable` before the chain has been seen; `quota_exceeded`; `too_long` for a lease that could outlast half of the escrow's time;
    ///   `out_of_range` for a price over 2^53−1.
    func open(_ spec: JobSpec, _ kernel: any Kernel, client: PublicKey, idempotency: IdempotencyKey?) throws(Problem) -> TaskAnswer {
        if let idempotency, let answer = try earlier(idempotency) { return answer }
        return try open(spec, kernel, client: client, idempotency: idempotency) { (_, _) throws(Problem) in nil }
    }

    /// The same for a task that a sponsor pays for; the ticket shows it. Throws `sponsor_exhausted` besides.
    func open(_ spec: JobSpec, _ kernel: any Kernel, for sponsor: Sponsor) throws(Problem) -> (answer: TaskAnswer, ticket: String) {
        var ticket = ""
        let answer = try open(spec, kernel, client: sponsor.key.publicKey, idempotency: nil) { (quote, terms) throws(Problem) in
            let payment = try sponsor.payment(of: quote, terms: terms)
            ticket = payment.ticket
            return payment
        }
        return (answer, ticket)
    }

    /// Throws `sponsor_exhausted` where the sponsor has nothing left to pay with: before anything is written for a task.
    func checkSponsor() throws(Problem) {
        guard let sponsor = configuration.sponsor else { throw Problem(.unauthorized, "nobody pays for unsigned tasks here; sign the request") }
        try store.checkSponsor(sponsor.key.address, perHour: sponsor.perHour, inAll: sponsor.inAll, now: clock.nowMilliseconds)
    }

    private func known(_ id: JobID) throws(Problem) -> StoredJob? { if let open = jobs[id] { open.stored } else { try store.job(id) } }

    /// A sponsored task by its ticket, and the client that its job has. Throws `unknown_job`.
    func sponsored(_ ticket: String) throws(Problem) -> (job: JobID, client: Address) {
        guard let id = try store.job(ticket: ticket), let stored = try known(id) else {
            throw Problem(.unknownJob, "there is no such task")
        }
        return (id, stored.quote.client)
    }

    private func open(
        _ spec: JobSpec, _ kernel: any Kernel, client: PublicKey, idempotency: IdempotencyKey?,
        payment: (Quote, ChainTerms) throws(Problem) -> SponsoredPayment?
    ) throws(Problem) -> TaskAnswer {
        guard let height, let terms else { throw Problem(.unavailable, "the chain has not been seen yet") }
        // Once more: time has passed since it was examined.
        try findRoom(for: client.address)
        try findInputs(spec)
        let units = kernel.computeUnits
        guard blocksToRefund(units: units, terms) <= terms.escrowTimeoutBlocks / 2 else {
            throw Problem(.tooLong, "a lease of \(units) units could outlast the escrow's \(terms.escrowTimeoutBlocks) blocks")
        }
        let price = max(1, try terms.priceFloor(), try Amount.multiply(kernel.priceUnits, max(configuration.pricePerUnit, terms.minPricePerUnit)))
        let quote = try Quote.signed(
            by: configuration.key, chain: configuration.chain, client: client.address, specHash: spec.hash,
            salt: try Salt(SecureRandom.hex(bytes: 16)), computeUnits: units, price: price,
            expiresHeight: try Amount.add(height, configuration.limits.quoteBlocks))
        let stored = StoredJob(spec: spec, quote: quote, state: JobState(), created: clock.nowMilliseconds, finished: nil)
        try store.insert(stored, client: client, idempotency: idempotency, payment: try payment(quote, terms))
        jobs[stored.id] = BoardJob(stored: stored, kernel: kernel)
        counts[stored.state.phase.name, default: 0] += 1
        metrics.quoted()
        tellReceived(stored)
        logger.event(
            "task_received", height: height, job: stored.id.text, latency: .milliseconds(clock.nowMilliseconds - stored.created),
            ["kernel": "\(spec.type)", "units": .stringConvertible(units), "price": .stringConvertible(price)])
        return TaskAnswer(quote: quote, verification: kernel.verification.json)
    }

    /// Throws `unknown_job` unless the job is this client's: others do not even learn that it exists.
    private func job(_ id: JobID, of client: Address) throws(Problem) -> (stored: StoredJob, progress: Double) {
        let found: (stored: StoredJob, progress: Double)?
        if let open = jobs[id] { found = (open.stored, open.progress) } else { found = try store.job(id).map { ($0, 0) } }
        guard let found, found.stored.quote.client == client else { throw Problem(.unknownJob, "this client has no such task") }
        return found
    }

    func status(_ id: JobID, for client: Address) throws(Problem) -> TaskStatus {
        let (stored, progress) = try job(id, of: client)
        return try status(stored, progress)
    }

    private func status(_ stored: StoredJob, _ progress: Double) throws(Problem) -> TaskStatus {
        let summary = TaskSummary(type: stored.spec.type, price: stored.quote.price, created: stored.created)
        return TaskStatus(taskID: stored.id, state: stored.state, progress: progress, refund: try refund(of: stored), summary: summary)
    }

    /// How far a job's money is on its way back; `nil` where it is not.
    private func refund(of stored: StoredJob) throws(Problem) -> TaskRefund? {
        guard stored.state.payment != nil, stored.finished == nil, stored.state.phase.isFinal else { return nil }
        guard let line = try store.outgoing(.refund, of: stored.id), line.stage != .dropped else { return nil }
        return TaskRefund(
            stage: line.stage == .done ? .refunded : .refunding, tx: line.transaction?.hash(on: configuration.chain), height: line.height)
    }

    /// Throws `not_ready` until the output is accepted, and for a job that failed.
    func result(_ id: JobID, for client: Address) throws(Problem) -> TaskResult {
        let stored = try job(id, of: client).stored
        if let work = stored.finished {
            return TaskResult(
                taskID: id, spec: stored.spec, output: work.output, receipt: work.claim, verification: work.record, claimHeight: stored.state.claimHeight)
        }
        if case .failed(let reason) = stored.state.phase { throw Problem(.notReady, "the task failed: \(reason.rawValue)") }
        throw Problem(.notReady, "the task is \(stored.state.phase.name)")
    }

    func page(for client: Address, stage: TaskStage?, before: Int64?, limit: Int) throws(Problem) -> TaskPage {
        let rows = try store.jobs(of: client, stage: stage, before: before, limit: limit)
        var tasks: [TaskStatus] = []
        for row in rows { tasks.append(try status(jobs[row.job.id]?.stored ?? row.job, jobs[row.job.id]?.progress ?? 0)) }
        return TaskPage(tasks: tasks, next: rows.count == limit ? rows.last.map { String($0.position) } : nil)
    }

    /// Ends a task whose output nobody has committed to yet; a payment goes back, also one that is still on its way.
    ///
    /// Throws `not_ready` once an output is under check or accepted, and for a task that failed.
    func cancel(_ id: JobID, for client: Address) throws(Problem) -> TaskStatus {
        let stored = try job(id, of: client).stored
        if stored.state.phase != .canceled {
            guard jobs[id] != nil else { throw Problem(.notReady, "the task is \(stored.state.phase.name)") }
            try advance(id, .canceled)
            waiting.removeAll { $0 == id }
        }
        return try status(id, for: client)
    }

    /// What a node asks about a claim that came to its mempool.
    func attest(_ question: ReceiptQuestion) throws(Problem) -> ReceiptAnswer {
        guard let stored = try known(question.jobID) else {
            return ReceiptAnswer(exists: false, paid: false, notDoubleSpent: false, quote: nil)
        }
        let terms = stored.finished?.claim.terms
        let isSigned =
            terms.map {
                $0.client == question.client && $0.miner == question.miner && $0.price == question.price
                    && $0.computeUnits == question.computeUnits && $0.outputHash == question.outputHash
            } ?? false
        // One receipt is signed for a job and none once it is refunded: what was signed stands alone.
        return ReceiptAnswer(exists: isSigned, paid: stored.state.payment != nil, notDoubleSpent: isSigned, quote: stored.quote)
    }
}
