import Jobs
import Testing
import Wire

@Suite("A worker's standing")
struct WorkerStandingTests {
    private let policy = StandingPolicy()

    private func failed(_ times: Int, at now: Int64 = 1_000_000) -> WorkerStanding {
        var standing = WorkerStanding()
        for _ in 0..<times { standing.checkFailed(now: now, policy) }
        return standing
    }

    @Test func oneFailureMeansProbationAndVerifiedResultsEndIt() throws {
        var standing = failed(1)
        #expect(standing.isOnProbation)
        #expect(standing.leases(of: 64, policy) == 1)
        try standing.check(now: 1_000_000)
        #expect(standing.largestJob(now: 1_000_000, policy) == 1000)
        for result in 1...policy.resultsToReturn {
            #expect(standing.isOnProbation, "\(result)")
            standing.checkPassed(policy)
        }
        #expect(!standing.isOnProbation)
        #expect(standing.leases(of: 64, policy) == 64)
        #expect(standing.largestJob(now: 1_000_000, policy) == nil)
        #expect(standing.offences == 1, "an offence is forgotten later than it is forgiven")
    }

    @Test func jobsGrowWithEachVerifiedResultAndWithTime() {
        var standing = failed(1)
        standing.checkPassed(policy)
        #expect(standing.largestJob(now: 1_000_000, policy) == 2000)
        standing.checkPassed(policy)
        #expect(standing.largestJob(now: 1_000_000, policy) == 4000)
        #expect(standing.largestJob(now: 1_000_000 + policy.sizeBoundMilliseconds, policy) == nil, "there may be no small jobs")
    }

    @Test func repeatedFailuresExcludeForAGrowingTimeWithACode() {
        let minutes: [Int64] = [0, 1, 4, 16, 64, 256, 1024, 1440, 1440]
        for (index, length) in minutes.enumerated() {
            let standing = failed(index + 1)
            #expect(standing.excludedUntil == (length == 0 ? 0 : 1_000_000 + length * 60_000), "\(index + 1) failures")
        }
        #expect { try failed(2).check(now: 1_000_000 + 59_999) } throws: { ($0 as? Problem)?.code == .workerExcluded }
        #expect(throws: Never.self) { try failed(2).check(now: 1_000_000 + 60_000) }
    }

    @Test func faultsThatPassAreNoOffences() throws {
        var standing = WorkerStanding()
        for _ in 0..<2000 { standing.lapsed() }
        #expect(!standing.isOnProbation && standing.offences == 0)
        try standing.check(now: 0)
        #expect(standing.leases(of: 4, policy) == 1, "one at a time until it delivers")
        standing.checkPassed(policy)
        #expect(standing.leases(of: 4, policy) == 4)
    }

    @Test func aLongCleanRecordForgets() {
        var standing = failed(2)
        for _ in 0..<1000 { standing.checkPassed(policy) }
        #expect(standing.offences == 0)
        standing.checkFailed(now: 9_000_000, policy)
        #expect(standing.excludedUntil < 9_000_000, "as after a first failure")
    }

    @Test func aNewKeyAnswersForItsPayoutAddressAndAnOldOneDoesNot() {
        let payout = failed(3)
        #expect(WorkerStanding().joined(with: payout, policy).excludedUntil == payout.excludedUntil)
        var trusted = WorkerStanding()
        for _ in 0..<policy.resultsToTrust { trusted.checkPassed(policy) }
        #expect(trusted.joined(with: payout, policy) == trusted)
        #expect(failed(4).joined(with: payout, policy) == failed(4), "the worse of the two")
    }

    @Test func anyHistoryKeepsTheInvariants() throws {
        var random = SplitMix(seed: 3)
        for _ in 0..<300 {
            var standing = WorkerStanding()
            var now: Int64 = 0
            for _ in 0..<200 {
                now += Int64(random.next(100_000))
                let before = standing
                switch random.next(8) {
                case 0:
                    standing.checkFailed(now: now, policy)
                    #expect(standing.isOnProbation && standing.offences == before.offences + 1)
                    #expect(standing.excludedUntil >= before.excludedUntil)
                    #expect(standing.excludedUntil - now <= policy.longestExclusionMilliseconds)
                case 1:
                    standing.lapsed()
                    #expect(standing.offences == before.offences && standing.owed == before.owed && standing.excludedUntil == before.excludedUntil)
                default:
                    standing.checkPassed(policy)
                    #expect(standing.owed == max(0, before.owed - 1) && standing.offences <= before.offences)
                }
                #expect((0...1).contains(standing.leases(of: 1, policy)) && standing.leases(of: 0, policy) == 0)
                #expect(standing.leases(of: 64, policy) >= 1, "nobody is kept from earning the way back")
                #expect((standing.largestJob(now: now, policy) ?? .max) >= policy.probationUnits)
                #expect(try WorkerStanding(json: JSON.parse(standing.json.canonicalBytes)) == standing)
            }
        }
    }
}
