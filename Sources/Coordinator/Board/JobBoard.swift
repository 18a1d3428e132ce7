import HTTPServing
import Jobs
import Kernels
import Ledger
import Logging
import Signing
import Wire

/// The one owner of all jobs, leases and workers: it holds the state machines, writes what they decide, then acts.
///
/// It runs on a queue of its own, so its calls to the store may block.
actor JobBoard {
    let configuration: CoordinatorConfiguration
    let store: any JobStore
    let blobs: BlobStore
    let gate: UploadGate
    let clock: any ServiceClock
    let metrics: BoardMetrics
    let events: EventHub
    let logger: Logger
    /// Committed outputs, in order, for the check loop.
    nonisolated let checks: AsyncStream<(id: String, check: PendingCheck)>
    private let checkSink: AsyncStream<(id: String, check: PendingCheck)>.Continuation
    /// Those that take well under a millisecond have a line of their own: they don't wait behind long ones, and are taken several at once.
    private var smallChecks: [(id: String, check: PendingCheck)] = []
    /// Rings when there is something in that line.
    nonisolated let smallBell: AsyncStream<Void>
    private let smallBellSink: AsyncStream<Void>.Continuation
    private static let smallOperations: Int64 = 10_000_000
    private let queue = WorkQueue("adit.coordinator.board")

    var jobs: [JobID: BoardJob] = [:]
    /// Jobs that wait for a worker, oldest first.
    var waiting: [JobID] = []
    /// The job of each lease in force.
    var leased: [String: JobID] = [:]
    var workers: [Address: BoardWorker] = [:]
    var calls: [LeaseWaiter] = [] {
        didSet { metrics.waiting(calls.count) }
    }
    var lastCall: UInt64 = 0
    /// Commitments that wait for the next transaction.
    var commits: [CommitWaiter] = []
    /// The leases of those, until they are told.
    var committing: Set<String> = []
    /// Outputs that are being written: their check need not read them back.
    var fresh: [String: [InlineTensor]] = [:]
    /// Who waits for the outcome of a lease's check.
    var outcomes: [String: [AsyncStream<ResultOutcome>.Continuation]] = [:]
    /// How many leases the worker of a lease wants with its outcome.
    var wanted: [String: Int] = [:]
    /// Payout addresses that are not in plain good standing.
    var payoutStandings: [Address: WorkerStanding] = [:]
    /// Jobs by phase, in all.
    var counts: [String: Int64] = [:]
    var height: Int64?
    /// When the chain was seen last, in Unix milliseconds.
    var seenChainAt: Int64 = 0
    var terms: ChainTerms?
    var watchFrom = 0
    /// Work done and paid for so far.
    var totals = NetworkTotals()
    /// What workers have to show at this moment.
    var challenges: [Address: OpenChallenge] = [:]
    /// When the workers of a payout address may be challenged again, in Unix milliseconds.
    var nextRounds: [Address: Int64] = [:]
    var nextPlacing: Int64 = 0
    /// When the leases under check were committed to, in Unix milliseconds.
    var committedAt: [String: Int64] = [:]
    /// What was accepted within the last day.
    var demand = DemandBook()
    var lastNetwork: JSON = .null
    var nextNetworkEvent: Int64 = 0
    var nextBeat: Int64 = 0
    /// Open escrows without a job, and the height at which each was seen first.
    var strays: [JobID: Int64] = [:]
    /// In Unix milliseconds.
    private var lastTick: Int64 = 0
    var nextSweep: Int64 = 0
    var isStopping = false

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe queue.asUnownedSerialExecutor() }

    init(
        configuration: CoordinatorConfiguration, store: any JobStore, blobs: BlobStore, gate: UploadGate, clock: any ServiceClock,
        metrics: BoardMetrics, events: EventHub, logger: Logger
    ) {
        self.events = events
        self.configuration = configuration
        self.store = store
        self.blobs = blobs
        self.gate = gate
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
        (checks, checkSink) = AsyncStream.makeStream()
        (smallBell, smallBellSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes up what the store holds: jobs wait, leases get the time to be heard of again, committed outputs are checked anew.
    func restore() throws(Problem) {
        let now = clock.nowMilliseconds
        for worker in try store.workers() { workers[worker.registration.address] = try take(worker, seen: 0) }
        // After an outage, an hour for those who come back for their outputs.
        nextSweep = now + min(configuration.limits.blobGraceMilliseconds, 3_600_000)
        counts = try store.counts()
        totals = try store.totals()
        for line in try store.demand(since: now / NetworkDemand.hourMilliseconds - Int64(NetworkDemand.hours)) { demand.add(line) }
        for stored in try store.openJobs() {
            guard let kernel = try? stored.spec.kernel() else {
                // Sold by a version that knew more; the others must not wait for it.
                logger.error("task_unreadable", metadata: ["job_id": "\(stored.id)"])
                continue
            }
            var job = BoardJob(stored: stored, kernel: kernel)
            if let grant = stored.state.phase.lease {
                job.lease = try store.lease(grant.id)
                leased[grant.id] = stored.id
                hold(grant, units: stored.quote.computeUnits)
            }
            jobs[stored.id] = job
            try advance(stored.id, .resumed(until: now + configuration.limits.leaseMilliseconds))
            follow(stored.state.resumption, of: stored.id)
        }
    }

    /// Applies one event to a job: the new state is stored, then acted upon. Nothing changes where this throws.
    ///
    /// - Parameter update: what else the same transaction changes.
    func advance(_ id: JobID, _ event: JobEvent, update: (inout BoardJob) -> Void = { _ in }) throws(Problem) {
        guard let step = try step(id, event, update: update) else { return }
        try make([step])
    }

    static func ended(_ reason: Reason) -> Problem {
        switch reason {
        // No `unavailable`: the worker would ask for ever.
        case .checkUnavailable: Problem(.leaseExpired, "the coordinator could not check the output; the job waits for a worker again")
        case .canceled: Problem(.canceled, "the client has canceled the job")
        default: Problem(.leaseExpired, "the lease is over: \(reason.rawValue)")
        }
    }

    func follow(_ directives: [JobDirective], of id: JobID) {
        for directive in directives {
            switch directive {
            case .offer:
                jobs[id]?.progress = 0
                waiting.append(id)
            case .end(let grant, let reason):
                release(grant)
                if reason.isLapse { workers[grant.worker]?.standing.lapsed() }
                metrics.ended(reason)
                let held = Duration.milliseconds(max(0, clock.nowMilliseconds - grant.grantedAt))
                logger.event("lease_ended", job: id.text, latency: held, ["worker": "\(grant.worker)", "reason": "\(reason.rawValue)"])
                if let outcome = jobs[id]?.lease?.outcome { tell(grant.id, outcome) }
            case .verify: sendToCheck(id)
            case .giveUp(let reason):
                if let job = jobs[id] { tellFailed(job.stored, reason) }
                logger.event("task_failed", job: id.text, latency: jobs[id]?.age(at: clock.nowMilliseconds), ["reason": "\(reason.rawValue)"])
                // A canceled job may still be paid: it is watched until its quote has expired.
                if reason != .canceled { jobs[id] = nil }
            case .refund:
                logger.event("task_refunding", job: id.text)
                jobs[id] = nil
            }
        }
        if directives.contains(.offer) { answerCalls() }
    }

    /// Forgets that the lease is in force.
    func release(_ grant: LeaseGrant) {
        leased[grant.id] = nil
        committedAt[grant.id] = nil
        workers[grant.worker]?.held[grant.id] = nil
    }

    /// Tells everyone who waits how a lease ended; the leases that came with it go to the latest one.
    func tell(_ lease: String, _ outcome: LeaseOutcome, leases: [Lease] = []) {
        wanted[lease] = nil
        var listeners = outcomes.removeValue(forKey: lease) ?? []
        if let latest = listeners.popLast() {
            latest.yield(ResultOutcome(outcome: outcome, leases: leases))
            latest.finish()
        }
        for listener in listeners {
            listener.yield(ResultOutcome(outcome: outcome, leases: []))
            listener.finish()
        }
    }

    private func sendToCheck(_ id: JobID, after failure: Problem? = nil) {
        guard let job = jobs[id], let lease = job.lease, let result = lease.commitment else { return }
        let small = Dictionary(fresh[lease.grant.id, default: []].map { ($0.root, $0.bytes) }) { first, _ in first }
        let check = PendingCheck(spec: job.stored.spec, kernel: job.kernel, lease: lease.grant, result: result, small: small, failure: failure)
        if job.kernel.operations <= Self.smallOperations, failure == nil {
            smallChecks.append((id: lease.grant.id, check: check))
            smallBellSink.yield()
        } else {
            checkSink.yield((id: lease.grant.id, check: check))
        }
    }

    /// The oldest of the small checks, at most `limit`.
    func takeSmallChecks(limit: Int) -> [(id: String, check: PendingCheck)] {
        let taken = Array(smallChecks.prefix(limit))
        smallChecks.removeFirst(taken.count)
        if !smallChecks.isEmpty { smallBellSink.yield() }
        return taken
    }

    /// Puts a committed output into the check loop's line once more.
    ///
    /// - Parameter failure: why it could not be checked; it goes to the line that waits for such a check then.
    func checkAgain(_ lease: String, after failure: Problem? = nil) {
        if let id = leased[lease] { sendToCheck(id, after: failure) }
    }

    /// Time passed: expires leases, offers jobs that have rested, ends waits, clears blobs away.
    func tick() {
        let now = clock.nowMilliseconds
        for id in Set(leased.values) {
            do {
                try advance(id, .tick)
            } catch {
                logger.error("tick_failed", metadata: ["job_id": "\(id)", "error": "\(error)"])
            }
        }
        // Of interest to open calls alone: a later one looks by itself.
        let rested = !calls.isEmpty && waiting.contains { id in jobs[id]?.state.becomesFree(after: lastTick, by: now) ?? false }
        lastTick = now
        if rested { answerCalls() }
        tickChallenges(now)
        end(calls.filter { $0.until <= now })
        if now >= nextSweep { sweepBlobs(now) }
        tellNetwork(now)
    }

    /// Ends all waits, so that the service can stop.
    func stop() {
        isStopping = true
        events.close()
        for call in calls { call.answer.finish() }
        calls = []
        for listener in outcomes.values.flatMap({ $0 }) { listener.finish() }
        outcomes = [:]
        wanted = [:]
        checkSink.finish()
        smallBellSink.finish()
    }
}
