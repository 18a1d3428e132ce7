import ChainClient
import Coordinator
import Jobs
import Kernels
import Ledger
import NativeBackend
import Signing
import Testing
import Wire

/// Challenges of 128 million operations: done in 1 ms of the test's clock they show 128 GFLOP/s, in 4 ms (one of which is not held against
/// the worker) 42, and from 10 ms on nothing.
@Suite("Coordinator: a tier is earned")
struct CoordinatorChallengeTests {
    private static func earned(_ configuration: inout CoordinatorConfiguration) {
        configuration.challenges = ChallengeRules()
        configuration.challenges.usual = CapabilityChallenge.Size(m: 400, n: 400, k: 400)
        configuration.challenges.large = configuration.challenges.usual
    }

    /// A worker that claims what its figures allow.
    private func worker(
        _ running: CoordinatorUnderTest, _ tier: Tier = .trainer, key: PrivateKey? = nil, payout: Address? = nil, memoryBytes: Int64 = 16 << 30
    ) async throws -> TestWorker {
        let key = try key ?? .generate()
        let worker = TestWorker(key: key, payout: payout ?? key.address, client: running.client(key))
        try await worker.client.registerWorker(registration(worker, tier, memoryBytes))
        return worker
    }

    private func registration(_ worker: TestWorker, _ tier: Tier = .trainer, _ memoryBytes: Int64 = 16 << 30) -> WorkerRegistration {
        WorkerRegistration(
            publicKey: worker.key.publicKey, payout: worker.payout, tier: tier,
            profile: WorkerProfile(
                cpuModel: "test", cores: 2, isa: [], memoryBytes: memoryBytes, devices: [WorkerDevice(kind: "cpu", name: "c", memoryBytes: memoryBytes)],
                f32FlopsPerSecond: 200_000_000_000, memoryBytesPerSecond: 20_000_000_000, blasCore: nil, softwareVersion: "1"))
    }

    private func challenge(_ worker: TestWorker) async throws -> CapabilityChallenge? {
        let answer = try await worker.client.ask(LeaseRequest(max: 4, waitSeconds: 0))
        #expect(answer.challenge == nil || answer.leases.isEmpty && answer.noWork == nil)
        return answer.challenge
    }

    private func product(_ challenge: CapabilityChallenge) throws -> Tensor { try product(challenge.spec()) }

    private func product(_ spec: JobSpec) throws -> Tensor {
        let inputs = try spec.inputs.map { input in
            guard case .random(let seed) = input.source else { throw Problem(.internalError, "random inputs") }
            return try RandomTensor(seed: seed, descriptor: input.descriptor).generate()
        }
        return try #require(try spec.kernel().run(inputs, on: try NativeGEMM(isMeasured: false), control: .none, limit: 1 << 24).first)
    }

    /// The root after so long, and then C.
    @discardableResult private func answer(
        _ challenge: CapabilityChallenge, _ worker: TestWorker, _ running: CoordinatorUnderTest, after milliseconds: Int64, with other: Tensor? = nil
    ) async throws -> WorkerReport {
        let c = try other ?? product(challenge)
        running.clock.advance(milliseconds)
        let receipt = try await worker.client.commit(c.root, to: challenge)
        #expect(try await worker.client.commit(c.root, to: challenge) == receipt, "a repeated message")
        try await worker.client.putBlob(c.root, BytesSource(c.buffer.bytes))
        return try await worker.client.check(challenge)
    }

    @Test func whoDoesWhatItClaimsGetsItsJobsAlsoAfterARestart() async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        let trainerWork = try SampleWork(seed: "trainer", requirements: Requirements(minTier: .trainer))
        try await harness.run(passes: try NativePasses(), configure: Self.earned) { running in
            let worker = try await worker(running, key: key)
            let (_, placement) = try await worker.client.register(registration(worker))
            #expect(placement?.tier == .feedback && placement?.claimed == .trainer)
            #expect(placement?.detail == "0 of 100 GFLOP/s shown; the next challenge decides")
            // Sold in the hope of the challenge, and given only to who has passed it.
            _ = try await running.buy(trainerWork, by: .generate())
            let challenge = try #require(try await challenge(worker))
            #expect(try await challengeAgain(worker) == .tierTooLow, "one at a time, and no leases beyond the tier meanwhile")
            let report = try await answer(challenge, worker, running, after: 1)
            #expect(report.placement == TierPlacement(tier: .trainer, claimed: .trainer, provenRate: 128_000_000_000, detail: nil))
            #expect(report.view.verdict == .passed && report.view.failures == 0)
            let metrics = try await running.metrics()
            #expect(metrics.contains("adit_challenges_total{verdict=\"passed\"} 1") && metrics.contains("adit_workers_claimed{tier=\"trainer\"} 1"))
            #expect(try await running.client(key).networkState().workers[.trainer] == 1)
            _ = try await worker.lease()
            await expectRefusal(.unknownChallenge, "it is over") { _ = try await worker.client.check(challenge) }
            let c = try product(challenge)
            await expectRefusal(.unknownChallenge, "replayed") { _ = try await worker.client.commit(c.root, to: challenge) }
        }
        // A coordinator takes requests from its next whole second on.
        harness.clock.advance(3000 - harness.clock.nowMilliseconds % 1000)
        try await harness.run(passes: try NativePasses(), configure: Self.earned) { running in
            let report = try await running.client(key).ownReport()
            #expect(report.placement.tier == .trainer && report.view.challengeRate == 128_000_000_000)
            #expect(report.leases == 1)
            // A week later it shows nothing any more.
            running.clock.advance(7 * 86_400_000)
            try await running.until("it has lapsed") { try await running.client(key).ownReport().placement.tier == .feedback }
        }
    }

    private func challengeAgain(_ worker: TestWorker) async throws -> WorkReason? {
        let answer = try await worker.client.ask(LeaseRequest(max: 4, waitSeconds: 0))
        #expect(answer.challenge == nil)
        return answer.noWork?.reason
    }

    @Test func whoDoesLessIsPlacedWhereItBelongsWithTheReason() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(passes: try NativePasses(), configure: Self.earned) { running in
            let able = try await worker(running)
            try await answer(try #require(try await challenge(able)), able, running, after: 1)
            let worker = try await worker(running)
            let report = try await answer(try #require(try await challenge(worker)), worker, running, after: 4)
            #expect(report.placement.tier == .aggregator && report.placement.reason == .tierTooLow)
            #expect(report.placement.detail == "42 of 100 GFLOP/s shown")
            #expect(report.view.verdict == .passed && report.view.failures == 1)
            _ = try await running.buy(try SampleWork(requirements: Requirements(minTier: .trainer)), by: .generate())
            let none = try #require(try await worker.client.ask(LeaseRequest(max: 1, waitSeconds: 0)).noWork)
            #expect(none.obstacles == [NoWork.Obstacle(.tierTooLow, jobs: 1, detail: "tier aggregator, claimed trainer: 42 of 100 GFLOP/s shown")])
            #expect(try await worker.client.ownReport().noWork == none)
            // Another try, after a minute, to a call that waits.
            async let waiting = worker.client.ask(LeaseRequest(max: 1, waitSeconds: 60))
            try await running.untilWorkersWait(1)
            running.clock.advance(59_000)
            try await running.untilWorkersWait(1)
            running.clock.advance(1000)
            #expect(try await waiting.challenge != nil)
        }
    }

    @Test func lateOrNoAnswersShowNothing() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(passes: try NativePasses(), configure: Self.earned) { running in
            let worker = try await worker(running)
            let late = try #require(try await challenge(worker))
            #expect(late.deadlineMilliseconds - late.issuedMilliseconds == 10)
            let c = try product(late)
            running.clock.advance(11)
            // Unless the coordinator has looked at its clock before the answer came.
            do {
                #expect(try await worker.client.commit(c.root, to: late).rate == 0)
            } catch {
                #expect((error as? Problem)?.code == .unknownChallenge)
            }
            let report = try await worker.client.ownReport()
            #expect([.late, .noAnswer].contains(report.view.verdict) && report.placement.tier == .feedback)
            #expect(report.placement.detail == "0 of 100 GFLOP/s shown; the last challenge was not answered in time")
            // Nothing at all; then the root alone.
            let silent = try await self.worker(running)
            _ = try #require(try await challenge(silent))
            running.clock.advance(11)
            try await running.until("given up") { try await silent.client.ownReport().view.verdict == .noAnswer }
            _ = try await running.buy(try SampleWork(), by: .generate())
            _ = try await silent.lease()
            let half = try await self.worker(running)
            let open = try #require(try await challenge(half))
            _ = try await half.client.commit(try product(open).root, to: open)
            running.clock.advance(300_001)
            try await running.until("given up") { try await half.client.ownReport().view.verdict == .noOutput }
        }
    }

    @Test func wrongOutputsAndOthersAnswersShowNothing() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(passes: try NativePasses(), configure: Self.earned) { running in
            let honest = try await worker(running)
            let theirs = try #require(try await challenge(honest))
            let right = try product(theirs)
            await expectRefusal(.notReady) { _ = try await honest.client.check(theirs) }
            _ = try await honest.client.commit(right.root, to: theirs)
            await expectRefusal(.unknownBlob) { _ = try await honest.client.check(theirs) }
            // Half of the work: the rest is zeros.
            let wrong = try await worker(running)
            let first = try #require(try await challenge(wrong))
            let whole = try product(first)
            let half = whole.buffer.byteCount / 2
            let altered = try Tensor(whole.descriptor, try TensorBuffer(whole.buffer.bytes.prefix(half) + [UInt8](repeating: 0, count: half)))
            #expect(try await answer(first, wrong, running, after: 0, with: altered).view.verdict == .wrong)
            // Another worker's C, for one's own challenge.
            let thief = try await worker(running)
            let second = try #require(try await challenge(thief))
            #expect(first.nonce != second.nonce)
            let report = try await answer(second, thief, running, after: 0, with: right)
            #expect(report.view.verdict == .wrong && report.placement.tier == .feedback)
            #expect(report.placement.detail == "0 of 100 GFLOP/s shown; the last challenge's output was wrong")
            // Another worker's challenge, and one that there never was.
            await expectRefusal(.unknownChallenge) { _ = try await thief.client.commit(right.root, to: theirs) }
            // A second root, and bytes of another size.
            await expectRefusal(.outputMismatch) { _ = try await honest.client.commit(altered.root, to: theirs) }
            let short = try await worker(running)
            let third = try #require(try await challenge(short))
            let bytes: [UInt8] = [1, 2, 3, 4]
            _ = try await short.client.commit(TensorRoot.root(of: bytes), to: third)
            try await short.client.putBlob(TensorRoot.root(of: bytes), BytesSource(bytes))
            await expectRefusal(.outputMismatch) { _ = try await short.client.check(third) }
            #expect(try await short.client.ownReport().view.verdict == .wrong)
        }
    }

    /// Two keys of one payout address on one machine: both are asked in the same moment, so that each gets half of it.
    @Test func oneMachineDoesNotEarnTwice() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(passes: try NativePasses(), configure: Self.earned) { running in
            let payout = try PrivateKey.generate().address
            let one = try await worker(running, payout: payout)
            try await answer(try #require(try await challenge(one)), one, running, after: 1)
            let other = try await worker(running, payout: payout)
            #expect(try await challenge(other) == nil, "the next round is a minute later")
            running.clock.advance(60_000)
            // The first one keeps silent, so that the machine is the second one's: what it showed before is gone.
            try await answer(try #require(try await challenge(other)), other, running, after: 1)
            #expect(try await other.client.ownReport().placement.tier == .trainer)
            #expect(try await one.client.ownReport().placement.tier == .feedback)
            // Both wait: both are asked.
            async let first = one.client.ask(LeaseRequest(max: 1, waitSeconds: 60))
            async let second = other.client.ask(LeaseRequest(max: 1, waitSeconds: 60))
            try await running.untilWorkersWait(2)
            running.clock.advance(60_000)
            let (mine, yours) = (try #require(try await first.challenge), try #require(try await second.challenge))
            #expect(mine.issuedMilliseconds == yours.issuedMilliseconds && mine.nonce != yours.nonce)
            let products = try [product(mine), product(yours)]
            #expect(products[0].root != products[1].root)
            try await answer(mine, one, running, after: 1, with: products[0])
            try await answer(yours, other, running, after: 1, with: products[1])
            let tiers = [try await one.client.ownReport().placement.tier, try await other.client.ownReport().placement.tier]
            #expect(tiers == [.trainer, .aggregator], "64 GFLOP/s are left for the second one")
        }
    }

    @Test func figuresBelowTheClaimAreNoClaim() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(passes: try NativePasses(), configure: Self.earned) { running in
            // A trainer with a feedback's memory, as fast as it may be.
            let small = try await worker(running, memoryBytes: 1 << 30)
            let report = try await answer(try #require(try await challenge(small)), small, running, after: 1)
            #expect(report.placement.tier == .feedback && report.view.verdict == .passed)
            #expect(report.placement.detail == "the registered memory or its bandwidth is below what trainer asks for")
            // Who claims nothing is not asked.
            let modest = try await worker(running, .feedback)
            #expect(try await challenge(modest) == nil)
            await expectRefusal(.forbidden) { _ = try await modest.get("/workers/\(small.key.address.text)", running) }
            for (path, body, code) in [
                ("/challenges/xyz/root", "{\"root\":\"00\"}", .badHex), ("/challenges/\(String(repeating: "0", count: 32))/root", "{}", .missingField),
                ("/challenges/\(String(repeating: "0", count: 32))/root", "{\"root\":\"\(Digest.zero.hex)\"}", .unknownChallenge),
                ("/challenges/\(String(repeating: "0", count: 32))/root", "{\"root\":\"\(Digest.zero.hex)\",\"x\":1}", .unknownField),
                ("/challenges/\(String(repeating: "0", count: 32))/root", String(repeating: " ", count: 300_000), .payloadTooLarge),
                ("/challenges/\(String(repeating: "0", count: 32))/check", String(repeating: " ", count: 300_000), .payloadTooLarge),
            ] as [(String, String, Problem.Code)] {
                await expectRefusal(code, "\(path)") {
                    let now = running.clock.nowMilliseconds / 1000
                    _ = try await sendSigned(harness.http, running.base, modest.key, .post, path, Array(body.utf8), now: now).checked()
                }
            }
        }
    }

    /// Verified work counts too, by the coordinator's clock alone.
    @Test func workShowsARateOfItsOwn() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(
            passes: try NativePasses(),
            configure: {
                Self.earned(&$0)
                $0.challenges.leastWorkUnits = 100
                $0.limits.leaseMilliseconds = 3_600_000
            }
        ) { running in
            let worker = try await worker(running)
            _ = try #require(try await challenge(worker))
            running.clock.advance(11)
            try await running.until("given up") { try await worker.client.ownReport().view.verdict == .noAnswer }
            // 128 million operations in 6 s: 21 MFLOP/s, whatever the worker says of its time (1 ms).
            let a = try TensorDescriptor(name: "a", dtype: .f32, shape: [400, 400])
            let b = try TensorDescriptor(name: "b", dtype: .f32, shape: [400, 400])
            let spec = try JobSpec(
                type: "gemm", params: [:], inputs: [InputSpec(a, .random(seed: .zero)), InputSpec(b, .random(seed: SHA256.hash(utf8: "b")))])
            let key = try PrivateKey.generate()
            let quote = try await running.client(key).postTask(TaskRequest(spec: spec, client: key.address)).quote
            await running.chain.pay(quote)
            let lease = try await worker.lease(wait: 60)
            let c = try product(spec)
            running.clock.advance(6000)
            _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, [c]))
            let report = try await worker.client.ownReport()
            #expect(report.view.workUnits == 128 && report.view.workMilliseconds == 6000 && report.placement.provenRate == 21_333_333)
        }
    }
}

extension TestWorker {
    /// A signed `GET`.
    func get(_ path: String, _ running: CoordinatorUnderTest) async throws -> JSON {
        let request = SignedRequest(method: "GET", authority: running.base.authority, path: path, query: "")
        let headers = HTTPSignature.headers(
            for: request, body: .none, key: key, now: running.clock.nowMilliseconds / 1000, nonce: SecureRandom.hex(bytes: 16))
        return try await running.harness.http.send(HTTPRequest(.get, running.base, path: path, headers: headers)).checked().json()
    }
}
