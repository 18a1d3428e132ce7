package import Wire

/// What failed checks cost a worker, and how it earns its way back. Numbers an operator may set.
package struct StandingPolicy: Sendable, Equatable {
    /// Verified results that end the probation after a first offence; twice as many after each further one, up to eight times.
    package var resultsToReturn = 8
    /// Compute units of the largest job that a worker gets right after a failed check; twice as many with each verified result.
    package var probationUnits: Int64 = 1000
    /// After so long without another failed check the size of jobs is no longer bounded: there may be no small ones.
    package var sizeBoundMilliseconds: Int64 = 3_600_000
    /// The first exclusion, which the second offence brings; four times as long with each further one.
    package var firstExclusionMilliseconds: Int64 = 60_000
    package var longestExclusionMilliseconds: Int64 = 86_400_000
    /// Verified results in good standing that take one offence off the record.
    package var resultsToForget = 100
    /// Verified results after which a key stands for itself, whatever others with its payout address do.
    package var resultsToTrust = 32
    /// Leases in a row that ran out or were dropped before a worker gets one at a time.
    package var lapsesToSlow = 3

    package init() {}
}

/// How a worker's key, or all keys of one payout address, stand with a coordinator: a value with the rules of probation.
///
/// Only outputs that failed their check are offences. Leases that ran out or were given back are faults that pass: a worker
/// with many in a row gets one job at a time until it delivers, and nothing else.
package struct WorkerStanding: Sendable, Equatable {
    /// Failed checks that are not forgotten yet.
    package private(set) var offences = 0
    /// Verified results that the probation still takes; 0 in good standing.
    package private(set) var owed = 0
    /// No leases before this time, in Unix milliseconds.
    package private(set) var excludedUntil: Int64 = 0
    /// Verified results since the last failed check.
    package private(set) var verified = 0
    /// When the last check failed, in Unix milliseconds.
    package private(set) var failedAt: Int64 = 0
    /// Leases in a row that ran out or were given back.
    package private(set) var lapses = 0

    package init() {}

    package var isOnProbation: Bool { owed > 0 }

    /// A committed output was wrong.
    package mutating func checkFailed(now: Int64, _ policy: StandingPolicy) {
        offences = min(offences + 1, 1000)
        verified = 0
        lapses = 0
        failedAt = now
        owed = policy.resultsToReturn << min(offences - 1, 3)
        guard offences > 1 else { return }
        var length = policy.firstExclusionMilliseconds
        for _ in 2..<offences where length < policy.longestExclusionMilliseconds { length *= 4 }
        excludedUntil = max(excludedUntil, now + min(length, policy.longestExclusionMilliseconds))
    }

    /// A committed output was right.
    package mutating func checkPassed(_ policy: StandingPolicy) {
        verified = min(verified + 1, 1 << 30)
        lapses = 0
        if owed > 0 { owed -= 1 } else if offences > 0, verified.isMultiple(of: policy.resultsToForget) { offences -= 1 }
    }

    /// A lease ran out, or was given back for a fault of the worker's.
    package mutating func lapsed() { lapses = min(lapses + 1, 1000) }

    /// The most leases that the worker may hold at one time, out of `usual`.
    package func leases(of usual: Int, _ policy: StandingPolicy) -> Int {
        isOnProbation || lapses >= policy.lapsesToSlow ? min(1, usual) : usual
    }

    /// The compute units of the largest job that the worker may get; nil without a bound.
    package func largestJob(now: Int64, _ policy: StandingPolicy) -> Int64? {
        guard isOnProbation, now - failedAt < policy.sizeBoundMilliseconds else { return nil }
        let (units, overflow) = policy.probationUnits.multipliedReportingOverflow(by: 1 << Int64(min(verified, 40)))
        return overflow ? nil : units
    }

    /// Throws `worker_excluded` until the time is over.
    package func check(now: Int64) throws(Problem) {
        guard now < excludedUntil else { return }
        throw Problem(
            .workerExcluded,
            "\(offences) outputs failed their check; no leases for \((excludedUntil - now + 999) / 1000) s. Check this machine with: adit miner profile, adit inspect"
        )
    }

    /// The standing that counts for a worker: its own, and, until it has shown enough, also that of its payout address.
    ///
    /// Keys cost nothing, so a new one answers for the address that it works for. An address can be named by anyone, so a key with
    /// a record of its own is not touched by it.
    package func joined(with payout: WorkerStanding, _ policy: StandingPolicy) -> WorkerStanding {
        guard offences > 0 || verified < policy.resultsToTrust, payout.offences > offences else { return self }
        var both = payout
        both.lapses = lapses
        return both
    }
}

extension WorkerStanding {
    /// Reads what `json` wrote.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "standing")
        offences = Int(try fields.integer("offences", in: 0...1000))
        owed = Int(try fields.integer("owed", in: 0...1 << 30))
        excludedUntil = try fields.integer("excludedUntilMs")
        verified = Int(try fields.integer("verified", in: 0...1 << 30))
        failedAt = try fields.integer("failedAtMs")
        lapses = Int(try fields.integer("lapses", in: 0...1000))
    }

    package var json: JSON {
        [
            "offences": .integer(Int64(offences)), "owed": .integer(Int64(owed)), "excludedUntilMs": .integer(excludedUntil),
            "verified": .integer(Int64(verified)), "failedAtMs": .integer(failedAt), "lapses": .integer(Int64(lapses)),
        ]
    }
}
