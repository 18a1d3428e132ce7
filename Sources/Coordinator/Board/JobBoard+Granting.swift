import HTTPServing
import Jobs
import Kernels
import Ledger
import Logging
import Signing
import Wire

/// Leases that are about to be given: what has to be stored for them first.
struct LeasePlan {
    var steps: [BoardStep] = []
    var leases: [Lease] = []
    /// Positions in `waiting` of the jobs that are given, and of those that don't wait any more; ascending.
    var taken: [Int] = []
}

// Which job goes to which worker.
extension JobBoard {
    /// Leases to `worker` up to `max` of the jobs that fit it, oldest first; none if there are none.
    ///
    /// - Throws: `unknown_worker` before it has registered; `worker_excluded`; `io_failed`.
    func lease(to worker: Address, max: Int) throws(Problem) -> [Lease] {
        try checkStanding(of: worker)
        workers[worker]?.seen = clock.nowMilliseconds
        let plan = try plan(for: worker, max: max)
        if !plan.taken.isEmpty { try make(plan.steps) { settle([plan]) } }
        return plan.leases
    }

    /// Chooses leases for `worker` without giving them yet.
    ///
    /// - Parameters:
    ///   - ending: leases of the worker's that will be over when these begin; they follow upon a result.
    ///   - besides: jobs that another plan gives away.
    func plan(for address: Address, max: Int, ending: [String] = [], besides: Set<JobID> = []) throws(Problem) -> LeasePlan {
        var plan = LeasePlan()
        guard max > 0, var worker = workers[address], !worker.stored.draining, !isStopping else { return plan }
        for lease in ending { worker.held[lease] = nil }
        let (limits, policy) = (configuration.limits, configuration.standing)
        let standing = standing(of: worker)
        let most = standing.leases(of: limits.smallLeasesPerWorker, policy)
        let largest = standing.largestJob(now: clock.nowMilliseconds, policy) ?? .max
        // One of any size in a call, if few are held; an answer to a result brings it only to a worker that holds no other.
        var mayBeLarge = worker.leases < (ending.isEmpty ? standing.leases(of: limits.leases(for: worker.registration.profile), policy) : min(1, most))
        // More than that while all that the worker holds is the work of a moment: a quarter of a second.
        var room = Swift.max(limits.smallUnits, worker.registration.profile.f32FlopsPerSecond / 4_000_000)
        for units in worker.held.values { room -= min(units, room) }
        for (position, id) in waiting.enumerated() {
            guard plan.leases.count < max, worker.leases < most, mayBeLarge || room > 0 else { break }
            guard let job = jobs[id], job.state.phase == .queued else {
                plan.taken.append(position)
                continue
            }
            if besides.contains(id) { continue }
            let units = job.quote.computeUnits
            guard units <= largest, mayBeLarge || units <= room, fits(job, worker) else { continue }
            let (step, lease) = try grant(job, to: worker)
            plan.steps.append(step)
            plan.leases.append(lease)
            plan.taken.append(position)
            worker.held[lease.id] = units
            mayBeLarge = false
            room -= min(units, room)
        }
        return plan
    }

    private func fits(_ job: BoardJob, _ worker: BoardWorker) -> Bool { obstacle(job, worker) == nil }

    /// What keeps a job that waits from a worker that has room for it; nil if nothing does.
    func obstacle(_ job: BoardJob, _ worker: BoardWorker) -> WorkReason? {
        let (address, now) = (worker.registration.address, clock.nowMilliseconds)
        guard job.state.canLease(to: address, now: now) else { return .noFittingJob }
        if let missing = worker.obstacle(job) { return missing }
        let (spec, quote) = (job.stored.spec, job.quote)
        let dtype = spec.inputs.first?.descriptor.dtype
        if let unwanted = worker.wishes.obstacle(kernel: spec.type, dtype: dtype, units: quote.computeUnits, price: quote.price) { return unwanted }
        let isElsewhere = !endsBeforeRefund(job) || job.state.prefersOthers(to: address, now: now) && othersCould(do: job, besides: address)
        return isElsewhere ? .noFittingJob : nil
    }

    /// Whether a worker that is present, other than this one, may have the job.
    ///
    /// - Parameter inPhase: whether it may have it now; else, once it waits for a worker.
    func othersCould(do job: BoardJob, besides address: Address, inPhase: Bool = true) -> Bool {
        let now = clock.nowMilliseconds
        return presentWorkers().contains { worker in
            let other = worker.registration.address
            return other != address && !worker.stored.draining
                && (inPhase ? job.state.canLease(to: other, now: now) : !job.state.excluded.contains(other))
                && worker.obstacle(job) == nil && standing(of: worker).excludedUntil <= now
        }
    }

    private func grant(_ job: BoardJob, to worker: BoardWorker) throws(Problem) -> (BoardStep, Lease) {
        let now = clock.nowMilliseconds
        let limits = configuration.limits
        guard let payment = job.state.payment else { throw Problem(.notReady, "the job is not paid") }
        let nonce = try Nonce16(SecureRandom.hex(bytes: 16))
        let grant = LeaseGrant(
            id: "lease_" + SecureRandom.hex(bytes: 16), worker: worker.registration.address, fence: job.state.fence + 1, nonce: nonce.text,
            grantedAt: now, deadline: now + limits.leaseMilliseconds, limit: now + limits.longestLease(units: job.quote.computeUnits))
        let payout = worker.registration.payout
        guard let step = try step(job.stored.id, .granted(grant), update: { $0.lease = StoredLease(grant: grant, job: job.stored.id, payout: payout) })
        else { throw Problem(.internalError, "a grant changes a job") }
        return (step, try lease(of: step.job, grant, payout, payment))
    }

    /// What the holder of a lease is told.
    func lease(of job: BoardJob, _ grant: LeaseGrant, _ payout: Address, _ payment: JobPayment) throws(Problem) -> Lease {
        Lease(
            id: grant.id, fence: grant.fence, nonce: try Nonce16(grant.nonce), chain: configuration.chain, spec: job.stored.spec, quote: job.quote, part: 0,
            payout: payout, payment: payment.tx, deadlineMilliseconds: grant.deadline, nowMilliseconds: clock.nowMilliseconds,
            heartbeatMilliseconds: Swift.max(1, configuration.limits.leaseMilliseconds / 4))
    }

    /// The plans, made of one state of `waiting`, are stored: their leases are in force.
    func settle(_ plans: [LeasePlan]) {
        for position in Set(plans.flatMap(\.taken)).sorted(by: >) { waiting.remove(at: position) }
        for step in plans.flatMap(\.steps) {
            guard let grant = step.job.lease?.grant else { continue }
            leased[grant.id] = step.id
            hold(grant, units: step.job.quote.computeUnits)
            metrics.leased()
            tellDistributed(step.job.stored, grant)
            logger.event(
                "task_distributed", job: step.id.text, latency: step.job.age(at: clock.nowMilliseconds),
                ["worker": "\(grant.worker)", "fence": .stringConvertible(grant.fence)])
        }
    }

    /// The leases that a worker holds and has not committed to: for one that has forgotten, or never learned of, some of them.
    ///
    /// Each gets the time to be heard of again. Throws `unknown_worker`; `io_failed`.
    func held(by worker: Address) throws(Problem) -> [Lease] {
        guard let entry = workers[worker] else { throw Problem(.unknownWorker, "register first") }
        workers[worker]?.seen = clock.nowMilliseconds
        var leases: [Lease] = []
        for id in entry.held.keys.sorted() {
            guard let jobID = leased[id], case .leased(let grant)? = jobs[jobID]?.state.phase, grant.id == id else { continue }
            let until = clock.nowMilliseconds + configuration.limits.leaseMilliseconds
            try advance(jobID, .heartbeat(lease: id, fence: grant.fence, until: until))
            guard let job = jobs[jobID], let held = job.lease, let payment = job.state.payment else { continue }
            leases.append(try lease(of: job, held.grant, held.payout, payment))
        }
        return leases
    }
}
