import Jobs
import Ledger
import Signing
import Wire

// Why a worker gets no lease.
extension JobBoard {
    /// How many of the waiting jobs, the oldest, are looked at: about 1 µs each, for at most 512 calls that end at one time, is an
    /// eighth of a second.
    private static let lookedAt = 256

    /// Why there is no lease for this worker now; nil for one that is not registered, and while the service stops.
    func noWork(for address: Address) -> NoWork? {
        guard let worker = workers[address], !isStopping else { return nil }
        let now = clock.nowMilliseconds
        let queue = waiting.lazy.compactMap { self.jobs[$0] }.filter { $0.state.phase == .queued }
        let looked = Array(queue.prefix(Self.lookedAt))
        let waiting = Int64(looked.count < Self.lookedAt ? looked.count : self.waiting.count)
        let (limits, policy, standing) = (configuration.limits, configuration.standing, standing(of: worker))
        func all(_ reason: WorkReason, _ detail: String? = nil) -> NoWork {
            let jobs = Int64(looked.count)
            return NoWork(waiting: waiting, looked: jobs, obstacles: [NoWork.Obstacle(reason, jobs: jobs, detail: detail)])
        }
        if worker.stored.draining { return all(.draining) }
        if now < standing.excludedUntil { return all(.workerExcluded, "for \((standing.excludedUntil - now + 999) / 1000) s more") }
        guard !looked.isEmpty else { return all(.noJobs) }
        let most = standing.leases(of: limits.smallLeasesPerWorker, policy)
        if worker.leases >= most { return all(standing.isOnProbation ? .onProbation : .jobsHeld, "\(worker.leases) of \(most) leases held") }

        let largest = standing.largestJob(now: now, policy) ?? .max
        let mayBeLarge = worker.leases < standing.leases(of: limits.leases(for: worker.registration.profile), policy)
        var counts: [WorkReason: Int64] = [:]
        for job in looked {
            let reason = obstacle(job, worker) ?? (job.quote.computeUnits > largest ? .onProbation : mayBeLarge ? nil : .jobsHeld)
            // What fits has come this very moment: the next call gets it.
            if let reason { counts[reason, default: 0] += 1 }
        }
        let obstacles = counts.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
        return NoWork(
            waiting: waiting, looked: Int64(looked.count),
            obstacles: obstacles.map { NoWork.Obstacle($0.key, jobs: $0.value, detail: detail($0.key, worker, standing, largest)) })
    }

    private func detail(_ reason: WorkReason, _ worker: BoardWorker, _ standing: WorkerStanding, _ largest: Int64) -> String? {
        switch reason {
        case .tierTooLow:
            "tier \(worker.placement.tier.rawValue)" + (worker.placement.detail.map { ", claimed \(worker.registration.tier.rawValue): \($0)" } ?? "")
        case .memoryTooSmall: "\(worker.registration.profile.memoryBytes >> 20) MiB registered"
        case .onProbation: "\(standing.owed) right results to go; jobs of at most \(largest) units"
        case .jobsHeld: "\(worker.leases) leases held"
        case .noFittingJob where height == nil: "the coordinator has not seen the chain yet"
        case .noFittingJob: "they rest after a failure, are kept from this worker, or end too late"
        default: nil
        }
    }
}
