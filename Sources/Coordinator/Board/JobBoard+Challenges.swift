import HTTPServing
import Jobs
import Kernels
import Ledger
import Logging
import Signing
import Wire

/// A challenge that was sent and is not decided.
struct OpenChallenge: Sendable {
    let challenge: CapabilityChallenge
    /// The root, and the milliseconds after which it came.
    var committed: (root: Digest, elapsed: Int64)?
    /// Whether C is being checked.
    var isChecking = false
    /// Unix milliseconds: the end of what is waited for, an answer or C.
    var until: Int64
}

/// C's root and everything that a check of it needs.
struct ChallengeCheck: Sendable {
    let spec: JobSpec
    let kernel: any Kernel
    let output: OutputTensor
    let nonce: Nonce16
}

// How a tier is earned (PROTOCOL section 9, "Capability challenges").
extension JobBoard {
    private var rules: ChallengeRules { configuration.challenges }

    /// Whether a worker has to show something: one that claims a tier above the lowest, and is due.
    private func isDue(_ worker: BoardWorker, _ now: Int64) -> Bool {
        rules.areEarned && worker.registration.tier > .feedback && now >= worker.view.dueAt && challenges[worker.registration.address] == nil
            && !worker.stored.draining && worker.held.isEmpty && now >= nextRounds[worker.registration.payout, default: 0]
            && now >= standing(of: worker).excludedUntil
    }

    /// Whether this comes before any work: nothing that the worker has shown counts.
    func isChallengedFirst(_ address: Address) -> Bool {
        let now = clock.nowMilliseconds
        guard let worker = workers[address] else { return false }
        return isDue(worker, now) && worker.view.isUnknown(now: now, rules)
    }

    /// Challenges those of the open `calls` whose workers are due, each with all of its payout address that wait.
    func challenge(dueAmong calls: [LeaseWaiter]) {
        guard rules.areEarned, !isStopping else { return }
        let now = clock.nowMilliseconds
        var payouts: Set<Address> = []
        for call in calls {
            guard let worker = workers[call.worker], isDue(worker, now) else { continue }
            payouts.insert(worker.registration.payout)
        }
        for payout in payouts { beginRound(payout, now) }
    }

    /// Workers of one payout address are challenged in the same moment, so that one machine can't answer for several of them one after the
    /// other. Those that hold leases are at work. Those that do neither lose what a challenge showed before.
    private func beginRound(_ payout: Address, _ now: Int64) {
        if nextRounds.count > configuration.limits.workers { nextRounds = nextRounds.filter { $0.value > now } }
        nextRounds[payout] = now + rules.roundMilliseconds
        let waiting = Dictionary(calls.map { ($0.worker, $0) }) { _, latest in latest }
        for (address, worker) in workers where worker.registration.payout == payout && worker.registration.tier > .feedback && worker.held.isEmpty {
            guard challenges[address] == nil, !worker.stored.draining else { continue }
            if let call = waiting[address] {
                challenge(call, worker, now)
            } else if worker.view.verdict != nil {
                change(address) { $0.missedChallenge() }
            }
        }
    }

    /// The clock starts as the call is answered.
    private func challenge(_ call: LeaseWaiter, _ worker: BoardWorker, _ now: Int64) {
        guard let nonce = try? Nonce16(SecureRandom.hex(bytes: 16)) else { return }
        let size = rules.size(for: worker.registration.tier)
        let deadline = now + rules.answerMilliseconds(size)
        let challenge = CapabilityChallenge(
            worker: call.worker, nonce: nonce, size: size, issuedMilliseconds: now, deadlineMilliseconds: deadline)
        challenges[call.worker] = OpenChallenge(challenge: challenge, until: deadline)
        calls.removeAll { $0.id == call.id }
        call.answer.yield(LeaseAnswer(leases: [], challenge: challenge))
        call.answer.finish()
        logger.info("worker_challenged", metadata: ["worker": "\(call.worker)", "tier": "\(worker.registration.tier.rawValue)"])
    }

    /// The root of a challenge's answer: it stops the clock, once.
    ///
    /// Throws `unknown_challenge` for another worker's, and for one that is over; `output_mismatch` for a second, different root.
    func commit(_ root: Digest, to nonce: Nonce16, by worker: Address) throws(Problem) -> ChallengeReceipt {
        let now = clock.nowMilliseconds
        var open = try openChallenge(nonce, of: worker)
        let size = open.challenge.size
        if let committed = open.committed {
            guard committed.root == root else { throw Problem(.outputMismatch, "another root stopped this challenge's clock") }
            return ChallengeReceipt(elapsedMilliseconds: committed.elapsed, rate: rules.rate(size, elapsedMilliseconds: committed.elapsed))
        }
        let elapsed = max(0, now - open.challenge.issuedMilliseconds)
        guard now <= open.challenge.deadlineMilliseconds else {
            decide(worker, .late)
            return ChallengeReceipt(elapsedMilliseconds: elapsed, rate: 0)
        }
        open.committed = (root, elapsed)
        open.until = now + rules.outputMilliseconds
        challenges[worker] = open
        return ChallengeReceipt(elapsedMilliseconds: elapsed, rate: rules.rate(size, elapsedMilliseconds: elapsed))
    }

    /// What there is to check, once C is here; it is checked once at a time.
    ///
    /// Throws `unknown_challenge`; `not_ready` before its root was said; `unknown_blob`; `unavailable` while it is checked.
    func beginCheck(of nonce: Nonce16, by worker: Address) throws(Problem) -> ChallengeCheck {
        let open = try openChallenge(nonce, of: worker)
        guard let committed = open.committed else { throw Problem(.notReady, "say the root of C first: it stops the clock") }
        guard !open.isChecking else { throw Problem(.unavailable, "this answer is being checked; ask again") }
        let spec = try open.challenge.spec()
        let kernel = try spec.kernel()
        guard let c = kernel.outputs.first else { throw Problem(.internalError, "a product without an output") }
        guard let bytes = blobs.byteCount(committed.root) else { throw Problem(.unknownBlob, "no blob has the root \(committed.root.hex): send C first") }
        guard bytes == c.byteCount else {
            decide(worker, .wrong)
            throw Problem(.outputMismatch, "C has \(c.byteCount) bytes, not \(bytes)")
        }
        challenges[worker]?.isChecking = true
        return ChallengeCheck(spec: spec, kernel: kernel, output: OutputTensor(c, root: committed.root), nonce: nonce)
    }

    /// What the check came to; nil where it could not be made. Returns what the worker has shown by now.
    func endCheck(of nonce: Nonce16, by worker: Address, isRight: Bool?) throws(Problem) -> WorkerReport {
        if let open = challenges[worker], open.challenge.nonce == nonce {
            challenges[worker]?.isChecking = false
            if let isRight { decide(worker, isRight ? .passed : .wrong) }
        }
        return try report(on: worker)
    }

    private func openChallenge(_ nonce: Nonce16, of worker: Address) throws(Problem) -> OpenChallenge {
        guard workers[worker] != nil else { throw Problem(.unknownWorker, "register first") }
        workers[worker]?.seen = clock.nowMilliseconds
        guard let open = challenges[worker], open.challenge.nonce == nonce else {
            throw Problem(.unknownChallenge, "this worker has no such challenge; it may be over")
        }
        return open
    }

    private func decide(_ address: Address, _ verdict: WorkerView.Verdict) {
        guard let worker = workers[address], let open = challenges.removeValue(forKey: address) else { return }
        let (now, rules) = (clock.nowMilliseconds, configuration.challenges)
        let rate = open.committed.map { rules.rate(open.challenge.size, elapsedMilliseconds: $0.elapsed) } ?? 0
        metrics.challenged(verdict)
        // Drawn, so that nobody knows when the next one comes.
        let jitter = Double(SecureRandom.bytes(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }) / Double(UInt32.max)
        change(address) { view in
            var shown = view
            shown.challenged(verdict, rate: rate, isEnough: true, now: now, jitter: jitter, rules)
            let isEnough = TierPlacement(worker.registration, shown, now: now, rules).reason == nil
            view.challenged(verdict, rate: rate, isEnough: isEnough, now: now, jitter: jitter, rules)
        }
        let placed = workers[address]?.placement
        logger.info(
            "challenge_ended",
            metadata: [
                "worker": "\(address)", "verdict": "\(verdict.rawValue)", "elapsed_ms": "\(open.committed?.elapsed ?? -1)",
                "gflops": .stringConvertible(rate / 1_000_000_000), "tier": "\(placed?.tier.rawValue ?? "")",
            ])
    }

    /// Ends what was waited for long enough, and once a minute looks again at what has become too old.
    func tickChallenges(_ now: Int64) {
        for (address, open) in challenges where open.until < now && !open.isChecking { decide(address, open.committed == nil ? .noAnswer : .noOutput) }
        if now >= nextPlacing {
            nextPlacing = now + 60_000
            for (address, worker) in workers where worker.placement.tier > .feedback { workers[address]?.placement = placement(of: worker) }
        }
        challenge(dueAmong: calls)
    }

    /// Changes what is known of a worker, here and in the store. A change that can't be written counts all the same: it comes again.
    private func change(_ address: Address, _ body: (inout WorkerView) -> Void) {
        guard var worker = workers[address] else { return }
        body(&worker.view)
        worker.placement = placement(of: worker)
        workers[address] = worker
        do { try store.save(worker.view, of: address) } catch { logger.error("view_not_kept", metadata: ["worker": "\(address)", "error": "\(error)"]) }
    }

    func placement(of worker: BoardWorker) -> TierPlacement {
        TierPlacement(worker.registration, worker.view, now: clock.nowMilliseconds, rules)
    }

    /// The tier to count on when work is sold: of a worker that is about to be challenged, what it claims.
    func expectedTier(of worker: BoardWorker) -> Tier {
        worker.view.isUnknown(now: clock.nowMilliseconds, rules) ? worker.registration.tier : worker.placement.tier
    }

    /// All that a worker may know about itself. Throws `unknown_worker`.
    func report(on address: Address, withReasons: Bool = false) throws(Problem) -> WorkerReport {
        guard let worker = workers[address] else { throw Problem(.unknownWorker, "register first") }
        return WorkerReport(
            standing: standing(of: worker), placement: worker.placement, view: worker.view, draining: worker.stored.draining,
            leases: Int64(worker.leases), noWork: withReasons ? noWork(for: address) : nil)
    }

    // MARK: work

    /// Products in F32 and F64: what they do in a second, F32 does at least. Other work depends on memory, or is faster than F32.
    private static let telling: Set<String> = [GEMMKernel.name, Conv2DKernel.name, MLPForwardKernel.name, MLPTrainKernel.name, AttentionKernel.name]

    /// A job's output was right: its worker has done so much in so long. Returns the view if it is time to write it down.
    func noteWork(_ lease: StoredLease, _ kernel: any Kernel, now: Int64) -> WorkerView? {
        guard let committed = committedAt.removeValue(forKey: lease.grant.id), var worker = workers[lease.grant.worker],
            Self.telling.contains(kernel.name), [.f32, .f64, .f32Panel256, .f64Panel256].contains(kernel.arithmetic)
        else { return nil }
        let before = worker.view
        worker.view.worked(units: kernel.operations / 1_000_000, elapsed: committed - lease.grant.grantedAt, now: now, rules)
        guard worker.view != before else { return nil }
        worker.placement = placement(of: worker)
        defer { workers[lease.grant.worker] = worker }
        guard now >= worker.viewKeptAt + 60_000 else { return nil }
        worker.viewKeptAt = now
        return worker.view
    }
}
