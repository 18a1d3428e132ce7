import HTTPServing
import Jobs
import Kernels
import Ledger
import Logging
import Signing
import Wire

/// A check that passed, signed and not stored yet.
private struct Acceptance {
    let lease: StoredLease
    let terms: ReceiptTerms
    let record: VerificationRecord
    let outcome: LeaseOutcome
    let step: BoardStep
}

// What checks came to.
extension JobBoard {
    /// Writes what checks came to, signs what they accepted, and tells whoever waits. Those that passed share a transaction.
    ///
    /// - Returns: the leases whose conclusion could not be written; for them nothing is signed and nobody is told.
    func conclude(_ checked: [(lease: String, verdict: CheckVerdict)]) -> [String] {
        var passed: [(lease: String, verdict: CheckVerdict)] = []
        var failed: [String] = []
        for one in checked {
            if case .finished(let report, _, _) = one.verdict, report.isAccepted {
                passed.append(one)
            } else if !conclude(one.lease, one.verdict) {
                failed.append(one.lease)
            }
        }
        guard !accept(passed) else { return failed }
        // One of them may be what the store has against all.
        for one in passed where passed.count == 1 || !accept([one]) { failed.append(one.lease) }
        return failed
    }

    /// One that did not pass.
    private func conclude(_ lease: String, _ verdict: CheckVerdict) -> Bool {
        guard let id = leased[lease], let job = jobs[id], let held = job.lease, held.commitment != nil else { return true }
        do {
            switch verdict {
            case .unavailable: try advance(id, .checkUnavailable(lease: lease))
            case .finished(let report, _, let microseconds):
                metrics.checked(accepted: report.isAccepted, microseconds: microseconds)
                guard let refusal = report.refusal else { return true }
                let problem = Problem(.verificationFailed, refusal.reason)
                logger.event(
                    "check_refused", level: .warning, job: id.text, latency: .microseconds(microseconds),
                    ["worker": "\(held.grant.worker)", "reason": "\(refusal.reason)"])
                guard let step = try step(id, .checkFailed(lease: lease), update: { $0.lease?.outcome = .refused(problem) }) else { return true }
                var changed: [StandingOwner: WorkerStanding] = [:]
                note(passed: false, held, in: &changed)
                try make([step], standings: changed)
            }
            return true
        } catch {
            logger.error("conclusion_failed", metadata: ["job_id": "\(id)", "error": "\(error)"])
            return false
        }
    }

    /// False where it could not be written.
    private func accept(_ checked: [(lease: String, verdict: CheckVerdict)]) -> Bool {
        guard !checked.isEmpty else { return true }
        do {
            var acceptances: [Acceptance] = []
            var changed: [StandingOwner: WorkerStanding] = [:]
            var views: [Address: WorkerView] = [:]
            var leases: Set<String> = []
            for (lease, verdict) in checked where leases.insert(lease).inserted {
                guard case .finished(let report, let challenge, let microseconds) = verdict,
                    let acceptance = try acceptance(lease, report, challenge, microseconds)
                else { continue }
                note(passed: true, acceptance.lease, in: &changed)
                if let view = noteWork(acceptance.lease, acceptance.step.job.kernel, now: clock.nowMilliseconds) { views[acceptance.lease.grant.worker] = view }
                acceptances.append(acceptance)
            }
            // What the workers do next is stored with the signatures: a write, and a wait for the disk, less.
            let plans = nextLeases(after: acceptances.map(\.lease.grant))
            let now = clock.nowMilliseconds
            let demand = acceptances.map { DemandLine($0.terms, kernel: $0.step.job.stored.spec.type, now: now) }
            try make(acceptances.map(\.step) + plans.flatMap { $0.plan.steps }, standings: changed, views: views, demand: demand) {
                for one in acceptances {
                    metrics.checked(accepted: true, microseconds: one.record.checkMicroseconds)
                    release(one.lease.grant)
                    totals.add(done: one.terms)
                }
                settle(plans.map(\.plan))
            }
            let next = Dictionary(plans.map { ($0.lease, $0.plan.leases) }) { first, _ in first }
            for one in acceptances { tell(one, leases: next[one.lease.grant.id] ?? []) }
            return true
        } catch {
            logger.error("conclusion_failed", metadata: ["leases": .stringConvertible(checked.count), "error": "\(error)"])
            return false
        }
    }

    /// Signs; nil for a lease that is over by now.
    private func acceptance(_ lease: String, _ report: VerificationReport, _ challenge: Digest, _ microseconds: Int64) throws(Problem) -> Acceptance? {
        guard let id = leased[lease], let job = jobs[id], let held = job.lease, let result = held.commitment else { return nil }
        guard let payment = job.state.payment else { throw Problem(.notReady, "the job is not paid") }
        let record = VerificationRecord(
            report: report.json, challenge: challenge, checkMicroseconds: microseconds, computeMicroseconds: result.timing.computeMicroseconds,
            worker: held.grant.worker, device: result.device, attempts: job.state.attempts)
        let terms = try expected(result.output, job, held)
        let claim = ReceiptClaim(
            terms: terms, payment: payment.tx, minerKey: result.receipt.minerKey, minerSignature: result.receipt.minerSignature,
            coordinatorKey: configuration.key.publicKey,
            coordinatorSignature: configuration.key.sign(terms.attestDigest(on: configuration.chain, payment: payment.tx)))
        let outcome = LeaseOutcome.accepted(LeaseResultAnswer(claim: claim, verification: record))
        let step = try step(id, .checkPassed(lease: lease)) { job in
            job.stored.finished = FinishedWork(output: result.output, claim: claim, record: record)
            job.lease?.outcome = outcome
        }
        return step.map { Acceptance(lease: held, terms: terms, record: record, outcome: outcome, step: $0) }
    }

    /// One plan for each worker that wants leases with an answer; they come with the last of its answers.
    private func nextLeases(after grants: [LeaseGrant]) -> [(lease: String, plan: LeasePlan)] {
        var plans: [(lease: String, plan: LeasePlan)] = []
        var given: Set<JobID> = []
        for (worker, ended) in Dictionary(grouping: grants, by: \.worker) {
            let asking = ended.filter { outcomes[$0.id] != nil && wanted[$0.id] != nil }
            guard let last = asking.last, let most = asking.compactMap({ wanted[$0.id] }).max() else { continue }
            guard let plan = try? plan(for: worker, max: most, ending: ended.map(\.id), besides: given), !plan.taken.isEmpty else { continue }
            given.formUnion(plan.steps.map(\.id))
            plans.append((last.id, plan))
        }
        return plans
    }

    private func tell(_ one: Acceptance, leases: [Lease]) {
        tellCompleted(one.step.job.stored, one.terms)
        // Those that came with the message are this coordinator's own from the start.
        let uploaded = one.step.job.stored.finished?.output.outputs.map(\.root).filter { blobs.fileBytes($0) != nil } ?? []
        if !uploaded.isEmpty { takeOver(uploaded, from: one.lease.grant.worker) }
        logger.event(
            "task_completed", job: one.step.id.text, latency: one.step.job.age(at: clock.nowMilliseconds),
            [
                "worker": "\(one.lease.grant.worker)", "class": "\(one.record.className)",
                "check_us": .stringConvertible(one.record.checkMicroseconds),
            ])
        tell(one.lease.grant.id, one.outcome, leases: leases)
    }
}
