import Jobs
import Logging
import Signing
import Wire

// How workers stand: what they may lease after their outputs failed, and how they earn their way back.
extension JobBoard {
    /// A worker as the store has it, with its standing and that of its payout address.
    func take(_ worker: StoredWorker, seen: Int64) throws(Problem) -> BoardWorker {
        let (address, payout) = (worker.registration.address, worker.registration.payout)
        if payoutStandings[payout] == nil, let known = try store.standing(.payout(payout)), known != WorkerStanding() { payoutStandings[payout] = known }
        let known = if let here = workers[address]?.standing { here } else { try store.standing(.worker(address)) }
        let here = workers[address]
        var view = if let here { here.view } else { try store.view(of: address) ?? WorkerView() }
        if let here, here.registration.tier < worker.registration.tier { view.claimsMore() }
        let placement = TierPlacement(worker.registration, view, now: clock.nowMilliseconds, configuration.challenges)
        var entry = BoardWorker(stored: worker, seen: seen, standing: known ?? WorkerStanding(), view: view, placement: placement)
        if let here { (entry.wishes, entry.held, entry.viewKeptAt) = (here.wishes, here.held, here.viewKeptAt) }
        return entry
    }

    /// What counts for a worker.
    func standing(of worker: BoardWorker) -> WorkerStanding {
        guard let payout = payoutStandings[worker.registration.payout] else { return worker.standing }
        return worker.standing.joined(with: payout, configuration.standing)
    }

    /// Throws `unknown_worker`, and `worker_excluded` for one whose outputs failed too often.
    func checkStanding(of address: Address) throws(Problem) {
        guard let worker = workers[address] else { throw Problem(.unknownWorker, "register first") }
        try standing(of: worker).check(now: clock.nowMilliseconds)
    }

    /// Adds the standings after one more check to those that are to be written. A count of good results may lose a few in a crash.
    func note(passed: Bool, _ lease: StoredLease, in changed: inout [StandingOwner: WorkerStanding]) {
        let (now, policy) = (clock.nowMilliseconds, configuration.standing)
        let worker = StandingOwner.worker(lease.grant.worker)
        if var own = changed[worker] ?? workers[lease.grant.worker]?.standing {
            if passed { own.checkPassed(policy) } else { own.checkFailed(now: now, policy) }
            if !passed || changed[worker] != nil || own.offences > 0 || own.verified <= policy.resultsToTrust || own.verified.isMultiple(of: 16) {
                changed[worker] = own
            } else {
                workers[lease.grant.worker]?.standing = own
            }
        }
        var payout = changed[.payout(lease.payout)] ?? payoutStandings[lease.payout] ?? WorkerStanding()
        if !passed {
            payout.checkFailed(now: now, policy)
            changed[.payout(lease.payout)] = payout
        } else if payout.offences > 0 {
            payout.checkPassed(policy)
            changed[.payout(lease.payout)] = payout
        }
    }

    func put(_ standing: WorkerStanding, of owner: StandingOwner) {
        switch owner {
        case .worker(let address): workers[address]?.standing = standing
        case .payout(let address): payoutStandings[address] = standing.offences > 0 ? standing : nil
        }
    }

    /// Notes a lease that the worker holds from now on.
    func hold(_ grant: LeaseGrant, units: Int64) { workers[grant.worker]?.held[grant.id] = units }
}
