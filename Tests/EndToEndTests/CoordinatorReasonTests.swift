import ChainClient
import Coordinator
import Jobs
import Kernels
import Signing
import Testing
import Wire

@Suite("Coordinator: why a worker gets nothing")
struct CoordinatorReasonTests {
    private func why(_ worker: TestWorker, _ wishes: WorkWishes = .none, wait: Int = 0) async throws -> NoWork? {
        let answer = try await worker.client.ask(LeaseRequest(max: 16, waitSeconds: wait, wishes: wishes))
        #expect(answer.leases.isEmpty == (answer.noWork != nil), "leases, or the reason")
        return answer.noWork
    }

    @Test func eachJobIsCountedUnderWhatKeepsItAway() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let worker = try await running.worker(tier: .inference)
            #expect(try await why(worker) == NoWork(waiting: 0, looked: 0, obstacles: [NoWork.Obstacle(.noJobs, jobs: 0)]))
            // Somebody has to be there who could do them, or they are not sold.
            let able = try PrivateKey.generate()
            let client = running.client(able)
            let devices = [WorkerDevice(kind: "cpu", name: "c", memoryBytes: 8 << 30), WorkerDevice(kind: "opencl", name: "g", memoryBytes: 8 << 30)]
            let profile = WorkerProfile(
                cpuModel: "t", cores: 2, isa: [], memoryBytes: 8 << 30, devices: devices, f32FlopsPerSecond: 1, memoryBytesPerSecond: 1, blasCore: nil,
                softwareVersion: "1")
            try await client.registerWorker(WorkerRegistration(publicKey: able.publicKey, payout: able.address, tier: .trainer, profile: profile))
            for (index, asked) in [
                Requirements(minTier: .trainer), Requirements(minTier: .aggregator), Requirements(memoryMB: 4096), Requirements(device: "opencl"),
            ].enumerated() {
                _ = try await running.buy(try SampleWork(seed: "\(index)", requirements: asked), by: .generate())
            }
            _ = try await running.buy(try SampleWork(.f32, seed: "f32"), by: .generate())
            let others = [
                NoWork.Obstacle(.tierTooLow, jobs: 2, detail: "tier inference"), NoWork.Obstacle(.memoryTooSmall, jobs: 1, detail: "1024 MiB registered"),
                NoWork.Obstacle(.noSuchDevice, jobs: 1),
            ]
            let picky = try #require(try await why(worker, WorkWishes(dtypes: [.i8, .bf16])))
            #expect(picky.waiting == 5 && picky.looked == 5 && picky.reason == .tierTooLow)
            #expect(Set(picky.obstacles.map(\.reason)) == Set(others.map(\.reason) + [.kernelNotAllowed]))
            for other in others { #expect(picky.obstacles.contains(other)) }
            #expect(try await why(worker, WorkWishes(kernels: ["conv2d"]))?.obstacles.contains(NoWork.Obstacle(.kernelNotAllowed, jobs: 1)) == true)
            #expect(try await why(worker, WorkWishes(minPricePerUnit: 8))?.obstacles.contains(NoWork.Obstacle(.belowPriceFloor, jobs: 1)) == true)
            #expect(try await why(worker, WorkWishes(minPricePerUnit: JSON.maxInteger))?.obstacles.contains { $0.reason == .belowPriceFloor } == true)
            // Just what it asks for.
            #expect(try await why(worker, WorkWishes(kernels: ["gemm"], dtypes: [.f32], minPricePerUnit: 7)) == nil)
        }
    }

    @Test func aLongCallSaysItTooAndWhoHoldsEnoughIsTold() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { ($0.limits.smallLeasesPerWorker, $0.limits.leasesPerWorker) = (2, 1) }) { running in
            let worker = try await running.worker()
            async let waiting = why(worker, wait: 5)
            try await running.untilWorkersWait(1)
            running.clock.advance(5000)
            #expect(try await waiting?.reason == .noJobs)
            for seed in 0..<3 { _ = try await running.buy(try SampleWork(seed: "\(seed)"), by: .generate()) }
            #expect(try await worker.client.lease(max: 16, waitSeconds: 0).count == 2)
            let full = try #require(try await why(worker))
            #expect(full == NoWork(waiting: 1, looked: 1, obstacles: [NoWork.Obstacle(.jobsHeld, jobs: 1, detail: "2 of 2 leases held")]))
        }
    }

    @Test func probationAndDrainingAreNamed() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.standing.probationUnits = 1 }) { running in
            let worker = try await running.worker()
            let work = try SampleWork(seed: "wrong")
            _ = try await running.buy(work, by: .generate())
            let lease = try await worker.lease()
            let wrong = try await worker.result(lease, try TestWorker.altered(try work.outputs()))
            await expectRefusal(.verificationFailed) { _ = try await worker.client.submitResult(lease.id, wrong) }
            _ = try await running.buy(try SampleWork(m: 100, k: 100, n: 60, seed: "large"), by: .generate())
            let small = try #require(try await why(worker))
            #expect(small.waiting == 2)
            #expect(small.obstacles.map(\.reason) == [.noFittingJob, .onProbation], "its own failed job is for others")
            #expect(small.obstacles.last?.detail == "8 right results to go; jobs of at most 1 units")
            try await worker.client.drain()
            #expect(try await why(worker)?.reason == .draining)
        }
    }

    /// What an operator doesn't allow does not come with a result's answer either.
    @Test func wishesHoldUntilTheNextCall() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let worker = try await running.worker()
            let first = try SampleWork(seed: "first")
            _ = try await running.buy(first, by: .generate())
            let lease = try #require(try await worker.client.ask(LeaseRequest(max: 1, waitSeconds: 0, wishes: WorkWishes(dtypes: [.i8]))).leases.first)
            _ = try await running.buy(try SampleWork(.f32, seed: "f"), by: .generate())
            let result = try await worker.result(lease, try first.outputs())
            #expect(try await worker.client.submit(lease.id, ResultSubmission(result, next: 4)).leases.isEmpty)
            _ = try await worker.lease()
        }
    }

    @Test func wishesAreReadStrictly() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let worker = try await running.worker()
            for (members, code) in [
                (["kernels": []], .outOfRange), (["kernels": ["a b"]], .outOfRange), (["kernels": [1]], .wrongType),
                (["kernels": ["gemm", "gemm"]], .outOfRange),
                (["dtypes": ["f32"]], .outOfRange), (["dtypes": ["F32", "F32"]], .outOfRange), (["minPricePerUnit": -1], .notAnInteger),
                (["kernels": .array(Array(repeating: "a", count: 65))], .outOfRange), (["price": 1], .unknownField),
            ] as [([String: JSON], Problem.Code)] {
                let body = JSON.object(try JSONObject(members.map { ($0.key, $0.value) } + [("max", 1), ("wait", 0)]))
                await expectRefusal(code, "\(members)") {
                    let now = running.clock.nowMilliseconds / 1000
                    _ = try await sendSigned(harness.http, running.base, worker.key, .post, "/leases", body.canonicalBytes, now: now).checked()
                }
            }
        }
    }
}
