import ChainClient
import Coordinator
import Jobs
import Kernels
import Signing
import Testing
import Wire

@Suite("Coordinator: probation")
struct CoordinatorStandingTests {
    /// One lease answered with a wrong output, or the right one.
    private func work(_ worker: TestWorker, _ running: CoordinatorUnderTest, right: Bool, seed: String) async throws {
        let sample = try SampleWork(seed: seed)
        _ = try await running.buy(sample, by: .generate())
        let lease = try await worker.lease()
        let outputs = right ? try sample.outputs() : try TestWorker.altered(try sample.outputs())
        if right {
            _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, outputs))
        } else {
            await expectRefusal(.verificationFailed) { _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, outputs)) }
        }
    }

    @Test func aFailedCheckMeansOneSmallJobAtATimeUntilItIsEarnedBack() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.standing.resultsToReturn = 2 }) { running in
            let worker = try await running.worker()
            try await work(worker, running, right: false, seed: "wrong")
            let standing = try #require(try await worker.client.registerWorker(worker.registration(memoryBytes: 1 << 30, tier: .inference)))
            #expect(standing.isOnProbation && standing.owed == 2)
            for index in 0..<3 { _ = try await running.buy(try SampleWork(seed: "next \(index)"), by: .generate()) }
            let one = try await worker.client.lease(max: 3, waitSeconds: 0)
            #expect(one.count == 1)
            #expect(try await worker.client.lease(max: 3, waitSeconds: 0).isEmpty)
            try await worker.client.fail(one[0].id, LeaseFailure(fence: one[0].fence, reason: .shuttingDown, detail: ""))
            for index in 1..<3 {
                let lease = try await worker.lease()
                let sample = try SampleWork(seed: "next \(index)")
                _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, try sample.outputs()))
            }
            for index in 0..<3 { _ = try await running.buy(try SampleWork(seed: "after \(index)"), by: .generate()) }
            #expect(try await worker.client.lease(max: 3, waitSeconds: 0).count == 3)
        }
    }

    @Test func largeJobsWaitForOthersMeanwhile() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.standing.probationUnits = 1 }) { running in
            let worker = try await running.worker()
            try await work(worker, running, right: false, seed: "wrong")
            // The failed one, of one unit, is not for this worker; this one has two.
            _ = try await running.buy(try SampleWork(m: 100, k: 100, n: 60, seed: "large"), by: .generate())
            #expect(try await worker.client.lease(max: 4, waitSeconds: 0).isEmpty)
            running.clock.advance(3_600_000)
            _ = try await worker.lease()
        }
    }

    @Test func repeatedFailuresExcludeWithACodeAlsoAfterARestartAndUnderANewKey() async throws {
        let harness = try CoordinatorHarness()
        _ = try await harness.runTwice { running in
            let worker = try await running.worker()
            try await work(worker, running, right: false, seed: "1")
            try await work(worker, running, right: false, seed: "2")
            await expectRefusal(.workerExcluded) { _ = try await worker.client.lease(max: 1, waitSeconds: 20) }
            return worker
        } then: { running, worker in
            let again = TestWorker(key: worker.key, payout: worker.payout, client: running.client(worker.key))
            await expectRefusal(.workerExcluded) { _ = try await again.client.lease(max: 1, waitSeconds: 0) }
            let other = try PrivateKey.generate()
            let fresh = TestWorker(key: other, payout: worker.payout, client: running.client(other))
            try await fresh.client.registerWorker(fresh.registration(memoryBytes: 1 << 30, tier: .inference))
            await expectRefusal(.workerExcluded) { _ = try await fresh.client.lease(max: 1, waitSeconds: 0) }
            _ = try await running.worker().client.lease(max: 1, waitSeconds: 0)
            running.clock.advance(60_000)
            _ = try await again.client.lease(max: 1, waitSeconds: 0)
        }
    }

    @Test func leasesThatRunOutExcludeNobody() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            _ = try await running.buy(try SampleWork(), by: .generate())
            let worker = try await running.worker()
            for attempt in 1...6 {
                _ = try await worker.lease()
                running.clock.advance(61_000)
                try await running.until("it ran out") { try await running.metrics().contains("reason=\"lease_expired\"} \(attempt)") }
                running.clock.advance(300_000)
            }
            let standing = try #require(try await worker.client.registerWorker(worker.registration(memoryBytes: 1 << 30, tier: .inference)))
            #expect(standing.offences == 0 && standing.lapses == 6)
            let last = try await worker.lease()
            _ = try await worker.client.submitResult(last.id, try await worker.result(last, try SampleWork().outputs()))
        }
    }
}
