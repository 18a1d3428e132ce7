import Jobs
import Ledger
import Signing
import Wire

/// One event applied to one job, not stored yet.
struct BoardStep {
    var job: BoardJob
    let before: JobPhase
    let directives: [JobDirective]

    var id: JobID { job.stored.id }
}

// Several events in one transaction.
extension JobBoard {
    /// Applies an event to a copy of the job; nil where it changes nothing.
    ///
    /// - Parameter update: what else changes with it.
    func step(_ id: JobID, _ event: JobEvent, update: (inout BoardJob) -> Void = { _ in }) throws(Problem) -> BoardStep? {
        guard var job = jobs[id] else { throw Problem(.unknownJob, "no open job has this id") }
        let before = job.state
        let directives = try job.stored.state.apply(event, now: clock.nowMilliseconds, policy: configuration.policy)
        guard job.state != before else { return nil }
        if let grant = job.state.phase.lease, let lease = job.lease, lease.grant.id == grant.id {
            job.lease = lease.granted(grant)
        }
        update(&job)
        for case .end(_, let reason) in directives where job.lease?.outcome == nil { job.lease?.outcome = .refused(Self.ended(reason)) }
        return BoardStep(job: job, before: before.phase, directives: directives)
    }

    /// Stores steps of different jobs in one transaction, then acts upon them. Nothing changes where this throws.
    ///
    /// - Parameter then: what changes in memory with the jobs, before anyone is told.
    func make(
        _ steps: [BoardStep], blobs: [SmallBlob] = [], standings: [StandingOwner: WorkerStanding] = [:],
        views: [Address: WorkerView] = [:], demand: [DemandLine] = [],
        then: () -> Void = {}
    ) throws(Problem) {
        let changes = steps.map { step in
            let known = jobs[step.id]
            return JobChange(
                job: step.job.stored, lease: step.job.lease, knownLease: known?.lease, knowsFinished: known?.stored.finished != nil,
                refund: step.directives.contains(.refund))
        }
        try store.apply(BoardChange(jobs: changes, blobs: blobs, standings: standings, views: views, demand: demand, now: clock.nowMilliseconds))
        for step in steps {
            jobs[step.id] = step.job
            counts[step.before.name, default: 0] -= 1
            counts[step.job.state.phase.name, default: 0] += 1
        }
        for (owner, standing) in standings { put(standing, of: owner) }
        for line in demand { self.demand.add(line) }
        then()
        for step in steps { follow(step.directives, of: step.id) }
    }
}
