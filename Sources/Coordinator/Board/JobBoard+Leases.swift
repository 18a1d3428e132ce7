import HTTPServing
import Jobs
import Ledger
import Logging
import Signing
import Wire

// What workers ask for, up to the result.
extension JobBoard {
    /// Where there are too many workers, the one that was silent longest makes room. Throws `quota_exceeded` if all hold leases.
    /// - Returns: how the worker stands, and where it is placed.
    @discardableResult func register(_ registration: WorkerRegistration) throws(Problem) -> WorkerReport {
        let address = registration.address
        if workers[address] == nil, workers.count >= configuration.limits.workers { try dismissSilentWorker() }
        let stored = StoredWorker(registration: registration, draining: false)
        let entry = try take(stored, seen: clock.nowMilliseconds)
        try store.save(stored)
        workers[address] = entry
        logger.info(
            "worker_registered",
            metadata: ["worker": "\(address)", "tier": "\(registration.tier.rawValue)", "placed": "\(entry.placement.tier.rawValue)"])
        return try report(on: address)
    }

    /// No new leases for this worker, until it registers again.
    func drain(_ address: Address) throws(Problem) {
        guard var worker = workers[address] else { throw Problem(.unknownWorker, "register first") }
        worker.stored.draining = true
        try store.save(worker.stored)
        workers[address] = worker
        endCalls(of: address)
    }

    private func endCalls(of worker: Address) {
        end(calls.filter { $0.worker == worker })
    }

    private func dismissSilentWorker() throws(Problem) {
        let idle = workers.lazy.filter { $0.value.leases == 0 }
        guard let silent = idle.min(by: { $0.value.seen < $1.value.seen })?.key else { throw Problem(.quotaExceeded, "there are too many workers") }
        try store.removeWorker(silent)
        workers[silent] = nil
        challenges[silent] = nil
        endCalls(of: silent)
    }

    /// Workers that were heard of lately.
    func presentWorkers() -> [BoardWorker] {
        let since = clock.nowMilliseconds - configuration.limits.workerSilenceMilliseconds
        return workers.values.filter { $0.seen >= since }
    }

    /// A job is not leased whose client could start a refund before the lease's longest end and 300 blocks more (PROTOCOL section 8).
    func endsBeforeRefund(_ job: BoardJob) -> Bool {
        guard let terms, let height, let payment = job.state.payment else { return false }
        return height + blocksToRefund(units: job.quote.computeUnits, terms) <= payment.height + terms.escrowTimeoutBlocks
    }

    /// The blocks that a job's longest lease takes, and 300 more for its claim.
    func blocksToRefund(units: Int64, _ terms: ChainTerms) -> Int64 {
        configuration.limits.longestLease(units: units) / (max(1, terms.blockIntervalSeconds) * 1000) + 301
    }

    /// Opens a call for leases that ends when there is one, when its time is over, or when the service stops.
    ///
    /// - Returns: its number, for `hangUp`, and a stream that gives the answer once: leases, or why there are none.
    ///   With too many workers waiting already, it gives what there is at once.
    /// - Throws: `unknown_worker`; `io_failed`.
    func call(_ worker: Address, _ request: LeaseRequest) throws(Problem) -> (id: UInt64, answer: AsyncStream<LeaseAnswer>) {
        let (stream, sink) = AsyncStream<LeaseAnswer>.makeStream(bufferingPolicy: .bufferingNewest(1))
        lastCall += 1
        workers[worker]?.wishes = request.wishes
        // What nobody knows of a worker comes before its first lease: a second later it gets those that it has earned.
        let comesFirst = isChallengedFirst(worker)
        let leases = comesFirst ? [] : try lease(to: worker, max: request.max)
        // A worker has one open call: an older one belongs to a connection that it has given up.
        endCalls(of: worker)
        let until = clock.nowMilliseconds + Int64(request.waitSeconds) * 1000
        let call = LeaseWaiter(id: lastCall, worker: worker, max: request.max, until: until, answer: sink)
        if leases.isEmpty, !isStopping {
            calls.append(call)
            challenge(dueAmong: [call])
            // Challenged, or not: then it waits as others do.
            guard let place = calls.firstIndex(where: { $0.id == call.id }) else { return (lastCall, stream) }
            calls.remove(at: place)
        }
        guard leases.isEmpty, request.waitSeconds > 0, !isStopping, workers[worker]?.stored.draining == false,
            calls.count < configuration.limits.waitingWorkers
        else {
            sink.yield(LeaseAnswer(leases: leases, noWork: leases.isEmpty ? noWork(for: worker) : nil))
            sink.finish()
            return (lastCall, stream)
        }
        calls.append(call)
        return (lastCall, stream)
    }

    /// Ends calls without a lease, and says why there is none.
    func end(_ ended: [LeaseWaiter]) {
        guard !ended.isEmpty else { return }
        for call in ended {
            call.answer.yield(LeaseAnswer(leases: [], noWork: noWork(for: call.worker)))
            call.answer.finish()
        }
        let ids = Set(ended.map(\.id))
        calls.removeAll { ids.contains($0.id) }
    }

    /// The worker hung up.
    func hangUp(_ call: UInt64) { calls.removeAll { $0.id == call } }

    /// Offers waiting jobs to waiting workers, first come first served.
    func answerCalls() {
        for call in calls {
            guard !waiting.isEmpty else { return }
            // Giving a job back may answer other calls meanwhile.
            guard calls.contains(where: { $0.id == call.id }) else { continue }
            do {
                let leases = try lease(to: call.worker, max: call.max)
                if leases.isEmpty { continue }
                calls.removeAll { $0.worker == call.worker }
                if case .terminated = call.answer.yield(LeaseAnswer(leases: leases)) {
                    for lease in leases { try giveBack(lease.id, by: call.worker, LeaseFailure(fence: lease.fence, reason: .shuttingDown, detail: "")) }
                }
                call.answer.finish()
            } catch {
                logger.error("lease_failed", metadata: ["worker": "\(call.worker)", "error": "\(error)"])
            }
        }
    }

    /// The job of a lease in force. Throws `unknown_lease` for another worker's, and for one that is over or never was: `lease_expired`.
    func jobOf(_ lease: String, by worker: Address) throws(Problem) -> JobID {
        workers[worker]?.seen = clock.nowMilliseconds
        if let id = leased[lease], jobs[id]?.lease?.grant.worker == worker { return id }
        guard let old = try store.lease(lease), old.grant.worker == worker else { throw Problem(.unknownLease, "this worker has no such lease") }
        throw Problem(.leaseExpired, "the lease is over")
    }

    func heartbeat(_ lease: String, by worker: Address, _ message: Heartbeat) throws(Problem) -> HeartbeatAnswer {
        if try isCanceled(lease, by: worker) { return HeartbeatAnswer(deadlineMilliseconds: clock.nowMilliseconds, canceled: true) }
        let id = try jobOf(lease, by: worker)
        let until = clock.nowMilliseconds + configuration.limits.leaseMilliseconds
        // While the output is under check the lease's clock stands still.
        if case .verifying(let grant) = jobs[id]?.state.phase, grant.fence == message.fence {
            return HeartbeatAnswer(deadlineMilliseconds: max(grant.deadline, until), canceled: false)
        }
        try advance(id, .heartbeat(lease: lease, fence: message.fence, until: until)) { $0.progress = message.progress ?? $0.progress }
        if let progress = message.progress { jobs[id]?.progress = progress }
        return HeartbeatAnswer(deadlineMilliseconds: jobs[id]?.state.phase.lease?.deadline ?? until, canceled: false)
    }

    /// Whether the client canceled the job of a lease that this worker held: there is nothing left to earn.
    private func isCanceled(_ lease: String, by worker: Address) throws(Problem) -> Bool {
        guard leased[lease] == nil, let old = try store.lease(lease), old.grant.worker == worker, case .refused(let problem) = old.outcome else {
            return false
        }
        return problem.code == .canceled
    }

    func giveBack(_ lease: String, by worker: Address, _ message: LeaseFailure) throws(Problem) {
        let id = try jobOf(lease, by: worker)
        let age = jobs[id]?.lease.map { Duration.milliseconds(max(0, clock.nowMilliseconds - $0.grant.grantedAt)) }
        logger.event("lease_returned", job: id.text, latency: age, ["worker": "\(worker)", "detail": "\(message.detail)"])
        guard message.reason == .uncomputable, let job = jobs[id] else {
            return try advance(id, .returned(lease: lease, fence: message.fence, message.reason))
        }
        // Somebody else is asked where there is anybody: one worker's word alone should not end a paid job.
        let others = othersCould(do: job, besides: worker, inPhase: false)
        try advance(id, .uncomputable(lease: lease, fence: message.fence, message.printable, othersCould: others))
    }
}
