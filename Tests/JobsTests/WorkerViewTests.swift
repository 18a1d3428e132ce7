import Jobs
import Kernels
import Ledger
import Signing
import Testing
import Wire

@Suite("What a coordinator sees of a worker") struct WorkerViewTests {
    private let rules = ChallengeRules()
    private let day: Int64 = 86_400_000

    /// The seeds are those of the protocol: made with another program.
    @Test func aChallengesInputsFollowFromWorkerAndNonce() throws {
        let worker = try Samples.key(3).address
        let nonce = try Nonce16(String(repeating: "0c", count: 16))
        let challenge = CapabilityChallenge(
            worker: worker, nonce: nonce, size: CapabilityChallenge.Size(m: 3, n: 4, k: 5), issuedMilliseconds: 7, deadlineMilliseconds: 9)
        let spec = try challenge.spec()
        #expect(spec.inputs[0].source == .random(seed: SHA256.hash(utf8: "adit.challenge.v1|\(worker)|\(nonce.text)")))
        #expect(spec.inputs[1].source == .random(seed: SHA256.hash(utf8: "adit.challenge.b.v1|\(worker)|\(nonce.text)")))
        #expect(spec.inputs.map(\.descriptor.shape) == [[3, 5], [5, 4]])
        #expect(try spec.kernel().arithmetic == .f32Panel256)
        #expect(try CapabilityChallenge(json: JSON.parse(challenge.json.canonicalBytes), worker: worker) == challenge)
        for (key, value) in [("m", JSON.integer(0)), ("k", 16_385), ("n", -1), ("nonce", "0c")] as [(String, JSON)] {
            guard case .object(let object) = challenge.json else { return }
            #expect(throws: Problem.self) { try CapabilityChallenge(json: .object(object.setting(key, to: value)), worker: worker) }
        }
    }

    /// What the rules say of their own sizes.
    @Test func sizesAndTimesFitTheTiers() throws {
        for (tier, limit, deadline) in [(Tier.trainer, 100e9, 5091), (.inference, 20e9, 1273)] as [(Tier, Double, Int64)] {
            let size = rules.size(for: tier)
            let seconds = 2 * Double(size.m * size.n * size.k) / limit
            #expect((0.6...0.9).contains(seconds))
            #expect(Double(4 * size.k * (size.m + size.n)) / 1e9 <= seconds / 4, "the inputs are made in a quarter of that, at 1 GB/s")
            #expect(rules.answerMilliseconds(size) == deadline)
            // Who is exactly as fast as the tier asks, and needs half of the allowance for the rest, has shown it.
            let honest = Int64(seconds * 1000) + rules.allowanceMilliseconds / 2
            #expect(Double(rules.rate(size, elapsedMilliseconds: honest)) * 100 / Double(rules.tolerancePercent) >= limit)
            // Who is half as fast has not, though it needs no time for the rest.
            let slow = Int64(seconds * 2000)
            #expect(Double(rules.rate(size, elapsedMilliseconds: slow)) * 100 / Double(rules.tolerancePercent) < limit)
        }
        #expect(rules.rate(rules.usual, elapsedMilliseconds: 0) > 0)
    }

    @Test func failuresWaitLongerAndLongerAndAPassLastsAWeek() {
        var view = WorkerView()
        #expect(view.isUnknown(now: 0, rules) && view.provenRate(now: 0, rules) == 0)
        var pauses: [Int64] = []
        for _ in 0..<8 {
            view.challenged(.late, rate: 5, isEnough: true, now: 1000, jitter: 0, rules)
            pauses.append((view.dueAt - 1000) / 60_000)
        }
        #expect(pauses == [1, 4, 16, 64, 256, 1024, 1440, 1440])
        #expect(view.challengeRate == 0 && view.failures == 8)
        view.challenged(.passed, rate: 50, isEnough: true, now: 2000, jitter: 0.5, rules)
        #expect(view.failures == 0 && view.dueAt == 2000 + day)
        #expect(view.provenRate(now: 2000 + 7 * day - 1, rules) == 50)
        #expect(view.provenRate(now: 2000 + 7 * day, rules) == 0 && view.isUnknown(now: 2000 + 7 * day, rules))
        view.missedChallenge()
        #expect(view.verdict == nil && view.provenRate(now: 2000, rules) == 0 && view.dueAt == 0)
    }

    @Test func workIsForgottenByHalves() throws {
        var view = WorkerView()
        view.worked(units: 9_999, elapsed: 1, now: 0, rules)
        #expect(view == WorkerView(), "too small to tell anything")
        view.worked(units: 400_000, elapsed: 4_000, now: 0, rules)
        #expect(view.workRate(now: 0) == nil, "four seconds are too little")
        view.worked(units: 600_000, elapsed: 6_000, now: 0, rules)
        #expect(view.workRate(now: 0) == 100_000_000_000)
        #expect(view.workRate(now: day) == 100_000_000_000)
        #expect(view.workRate(now: day + 1_000_000) == nil, "less than five of ten seconds are left")
        // As much again, half as fast, a day later.
        view.worked(units: 500_000, elapsed: 10_000, now: day, rules)
        #expect(view.workUnits == 1_000_000 && view.workMilliseconds == 15_000)
        // However much: after a week nothing of it counts.
        for hour in 0..<48 { view.worked(units: 360_000_000, elapsed: 3_600_000, now: day + Int64(hour) * 3_600_000, rules) }
        let last = day + 47 * 3_600_000
        #expect(view.workMilliseconds <= WorkerView.mostWorkMilliseconds)
        #expect(view.workRate(now: last).map { abs($0 - 100_000_000_000) < 500_000_000 } == true)
        #expect(view.workRate(now: last + 7 * day - 3_600_000) != nil)
        #expect(view.workRate(now: last + 7 * day + 3_600_000) == nil)
        // A clock that is set back, and figures at their end, do no harm.
        view.worked(units: JSON.maxInteger, elapsed: 1, now: 0, rules)
        view.worked(units: JSON.maxInteger, elapsed: JSON.maxInteger, now: JSON.maxInteger, rules)
        #expect(view.workUnits <= JSON.maxInteger)
        #expect(try WorkerView(json: JSON.parse(view.json.canonicalBytes)) == view)
    }

    @Test func placementIsWhatWasShownUpToTheClaim() throws {
        let profile = WorkerProfile(
            cpuModel: "x", cores: 1, isa: [], memoryBytes: 8 << 30, devices: [], f32FlopsPerSecond: 1, memoryBytesPerSecond: 8_000_000_000, blasCore: nil,
            softwareVersion: "1")
        func placed(_ claimed: Tier, _ rate: Int64) throws -> TierPlacement {
            var view = WorkerView()
            view.challenged(.passed, rate: rate, isEnough: true, now: 5, jitter: 0, rules)
            let key = try Samples.key(3)
            return TierPlacement(WorkerRegistration(publicKey: key.publicKey, payout: key.address, tier: claimed, profile: profile), view, now: 5, rules)
        }
        #expect(try placed(.trainer, 90_000_000_000).tier == .trainer, "a tenth less than the best of many runs")
        #expect(try placed(.trainer, 89_000_000_000).tier == .aggregator)
        #expect(try placed(.inference, 500_000_000_000).tier == .inference)
        #expect(try placed(.inference, 17_000_000_000).tier == .feedback)
        let low = try placed(.trainer, 45_000_000_000)
        #expect(low.detail == "45 of 100 GFLOP/s shown" && low.reason == .tierTooLow)
        #expect(try TierPlacement(json: JSON.parse(low.json.canonicalBytes)) == low)
        let report = WorkerReport(standing: WorkerStanding(), placement: low, view: WorkerView(), draining: false, leases: 2)
        let json = JSON.object(try JSONObject(report.members.compactMap { key, value in value.map { (key, $0) } }))
        #expect(try WorkerReport(json: json) == report)
    }
}
