import ChainClient
import Coordinator
import Jobs
import Kernels
import Ledger
import Signing
import Synchronization
import Testing
import Wire

@Suite("Coordinator: leases")
struct CoordinatorLeaseTests {
    @Test func aLeaseWithoutHeartbeatGoesToAnother() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let work = try SampleWork()
            let key = try PrivateKey.generate()
            let answer = try await running.buy(work, by: key)
            let slow = try await running.worker()
            let quick = try await running.worker()
            let lease = try await slow.lease()
            let late = try await slow.result(lease, try work.outputs())
            running.clock.advance(50_000)
            _ = try await slow.client.heartbeat(lease.id, fence: lease.fence, progress: 0.5)
            running.clock.advance(50_000)
            #expect(try await quick.client.lease(max: 1, waitSeconds: 0).isEmpty)
            running.clock.advance(11_000)
            try await running.until("queued") { try await running.client(key).task(answer.taskID).phase == "queued" }
            running.clock.advance(2000)
            let second = try await quick.lease(wait: 30)
            #expect(second.fence == lease.fence + 1)
            await expectRefusal(.leaseExpired) { _ = try await slow.client.submitResult(lease.id, late) }
            await expectRefusal(.leaseExpired) { _ = try await slow.client.heartbeat(lease.id, fence: lease.fence, progress: nil) }
            _ = try await quick.client.submitResult(second.id, try await quick.result(second, try work.outputs()))
        }
    }

    @Test func aReturnedLeaseIsOfferedAgainAndProgressIsShown() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let clientKey = try PrivateKey.generate()
            let answer = try await running.buy(try SampleWork(), by: clientKey)
            let worker = try await running.worker()
            let lease = try await worker.lease()
            _ = try await worker.client.heartbeat(lease.id, fence: lease.fence, progress: 0.25)
            #expect(try await running.client(clientKey).task(answer.taskID).progress == 0.25)
            try await worker.client.fail(lease.id, LeaseFailure(fence: lease.fence, reason: .shuttingDown, detail: "bye"))
            #expect(try await running.client(clientKey).task(answer.taskID).phase == "queued")
            running.clock.advance(2000)
            #expect(try await worker.lease().fence == 2)
        }
    }

    @Test func aPaidJobStaysOwedToTheOneMinerThatKeepsReturningIt() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let work = try SampleWork()
            let clientKey = try PrivateKey.generate()
            let answer = try await running.buy(work, by: clientKey)
            let worker = try await running.worker()
            for attempt in 1...14 {
                let lease = try await worker.lease()
                #expect(lease.fence == attempt)
                let reason: Reason = attempt % 2 == 0 ? .outOfMemory : .workerFault
                try await worker.client.fail(lease.id, LeaseFailure(fence: lease.fence, reason: reason, detail: ""))
                running.clock.advance(min(1 << attempt, 300) * 1000 - 1)
                #expect(try await worker.client.lease(max: 1, waitSeconds: 0).isEmpty)
                running.clock.advance(1)
            }
            let lease = try await worker.lease()
            _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, try work.outputs()))
            #expect(try await running.client(clientKey).task(answer.taskID).stage == .completed)
        }
    }

    @Test func aWaitingWorkerGetsAJobAsItsRestIsOver() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            _ = try await running.buy(try SampleWork(), by: try .generate())
            let worker = try await running.worker()
            let lease = try await worker.lease()
            try await worker.client.fail(lease.id, LeaseFailure(fence: lease.fence, reason: .inputUnavailable, detail: ""))
            async let again = worker.lease(wait: 60)
            try await running.untilWorkersWait(1)
            running.clock.advance(2000)
            #expect(try await again.fence == 2)
        }
    }

    @Test func beyondTheWaitingPlacesTheAnswerComesAtOnce() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.limits.waitingWorkers = 1 }) { running in
            let first = try await running.worker()
            let second = try await running.worker()
            let waiting = Task { try await first.client.lease(max: 1, waitSeconds: 60) }
            try await running.untilWorkersWait(1)
            #expect(try await second.client.lease(max: 1, waitSeconds: 60).isEmpty)
            waiting.cancel()
        }
    }

    @Test func theLongestSilentWorkerMakesRoom() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.limits.workers = 2 }) { running in
            let busy = try await running.worker()
            _ = try await running.buy(try SampleWork(), by: try .generate())
            _ = try await busy.lease()
            running.clock.advance(1000)
            let idle = try await running.worker()
            running.clock.advance(1000)
            let fresh = try await running.worker()
            await expectRefusal(.unknownWorker) { _ = try await idle.client.lease(max: 1, waitSeconds: 0) }
            #expect(try await fresh.client.lease(max: 1, waitSeconds: 0).isEmpty)
            #expect(try await busy.client.lease(max: 1, waitSeconds: 0).isEmpty)
        }
        try await harness.run { running in
            // Restored, and not heard of yet.
            let anybody = running.client(try .generate())
            #expect(try await anybody.networkState().workerCount == 0)
        }
    }

    @Test func drainingWorkersGetNothingNew() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let worker = try await running.worker()
            try await worker.client.drain()
            _ = try await running.buy(try SampleWork(), by: try .generate())
            #expect(try await worker.client.lease(max: 1, waitSeconds: 0).isEmpty)
            try await worker.client.registerWorker(worker.registration(memoryBytes: 1 << 30, tier: .inference))
            _ = try await worker.lease()
        }
    }

    @Test func aWorkerHoldsABoundedNumberOfLeases() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: {
            $0.limits.leasesPerWorker = 1
            $0.limits.smallLeasesPerWorker = 2
        }) { running in
            let key = try PrivateKey.generate()
            for seed in ["1", "2", "3"] { _ = try await running.buy(try SampleWork(seed: seed), by: key) }
            let worker = try await running.worker()
            #expect(try await worker.client.lease(max: 16, waitSeconds: 0).count == 2)
            #expect(try await worker.client.lease(max: 16, waitSeconds: 0).isEmpty)
        }
    }

    /// Each device may have a job of any size, so that none of a large machine's stands still; what is registered is a claim, and bounded.
    @Test(arguments: [(1, 2), (3, 4), (40, 6)]) func aWorkerHoldsALargeLeaseForEachDeviceAndOneMore(devices: Int, leases: Int) async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { ($0.limits.leasesPerWorker, $0.limits.devicesCounted) = (2, 5) }) { running in
            let key = try PrivateKey.generate()
            // More than a quarter of a second of this worker's.
            for seed in 0..<7 { _ = try await running.buy(try SampleWork(m: 700, k: 700, n: 700, seed: "\(seed)"), by: key) }
            let worker = try await running.worker()
            try await worker.client.registerWorker(worker.registration(memoryBytes: 1 << 30, tier: .inference, devices: devices))
            for _ in 0..<leases { _ = try await worker.lease() }
            #expect(try await worker.client.lease(max: 16, waitSeconds: 0).isEmpty)
        }
    }

    @Test func unfitWorkersAreNotOfferedTheJob() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let small = try await running.worker(memoryBytes: 100)
            let able = try await running.worker(tier: .aggregator)
            _ = try await running.buy(try SampleWork(requirements: Requirements(minTier: .aggregator)), by: try .generate())
            #expect(try await small.client.lease(max: 1, waitSeconds: 0).isEmpty)
            _ = try await able.lease()
        }
    }

    @Test func resultsMustBeExactlyTheLeases() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let work = try SampleWork()
            _ = try await running.buy(work, by: try .generate())
            let worker = try await running.worker()
            let stranger = try await running.worker()
            let lease = try await worker.lease()
            let outputs = try work.outputs()
            let tensor = try #require(outputs.first)
            // Not uploaded yet.
            let early = try worker.signedResult(lease, [OutputTensor(tensor.descriptor, root: tensor.root)])
            await expectRefusal(.unknownBlob) { _ = try await worker.client.submitResult(lease.id, early) }
            let good = try await worker.result(lease, outputs)

            func altered(_ change: (inout ReceiptParts) throws -> Void) throws -> LeaseResult {
                var parts = ReceiptParts(lease, payout: lease.payout, miner: worker.key.address, output: good.output)
                try change(&parts)
                return LeaseResult(fence: good.fence, output: parts.output, receipt: try parts.signed(by: worker.key), timing: good.timing, device: good.device)
            }
            let metadata = good.output
            func reshaped(_ shape: [Int]) throws -> OutputMetadata {
                OutputMetadata(
                    specHash: metadata.specHash, kernel: metadata.kernel, arithmetic: metadata.arithmetic,
                    outputs: [OutputTensor(try TensorDescriptor(name: "c", dtype: .i32, shape: shape), root: tensor.root)])
            }
            let lies: [(Problem.Code, LeaseResult)] = [
                (.unitsMismatch, try altered { $0.units += 1 }),
                (.priceMismatch, try altered { $0.price += 1 }),
                (.wrongMiner, try altered { $0.payout = stranger.payout }),
                (.wrongMiner, try altered { $0.miner = stranger.key.address }),
                (.escrowMismatch, try altered { $0.part = 1 }),
                (.escrowMismatch, try altered { $0.client = stranger.key.address }),
                (.escrowMismatch, try altered { $0.nonce = try Nonce16(String(repeating: "0", count: 32)) }),
                (.outputMismatch, try altered { $0.outputHash = OutputHash(.zero) }),
                (.outputMismatch, try altered { $0.output = try reshaped([30, 40]) }),
                (.outputMismatch, try altered { $0.output = try reshaped([40, 31]) }),
                (.staleFence, LeaseResult(fence: 2, output: good.output, receipt: good.receipt, timing: good.timing, device: "x")),
            ]
            for (code, lie) in lies {
                await expectRefusal(code) { _ = try await worker.client.submitResult(lease.id, lie) }
            }
            // A lease answers its holder alone.
            await expectRefusal(.unknownLease) { _ = try await stranger.client.submitResult(lease.id, good) }
            await expectRefusal(.unknownLease) { _ = try await stranger.client.heartbeat(lease.id, fence: 1, progress: nil) }
            await expectRefusal(.unknownLease) {
                try await stranger.client.fail(lease.id, LeaseFailure(fence: 1, reason: .overheated, detail: ""))
            }
            await expectRefusal(.staleFence) { _ = try await worker.client.heartbeat(lease.id, fence: 9, progress: nil) }
            await expectRefusal(.unknownLease) { _ = try await worker.client.heartbeat("lease_none", fence: 1, progress: nil) }
            // None of it spent the lease.
            _ = try await worker.client.submitResult(lease.id, good)
        }
    }

    @Test func unregisteredWorkersAreRefused() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let client = running.client(try .generate())
            await expectRefusal(.unknownWorker) { _ = try await client.lease(max: 1, waitSeconds: 0) }
            await expectRefusal(.unknownWorker) { try await client.drain() }
            let other = try PrivateKey.generate()
            let worker = TestWorker(key: other, payout: other.address, client: client)
            await expectRefusal(.forbidden) { try await client.registerWorker(worker.registration(memoryBytes: 1, tier: .feedback)) }
        }
    }

    @Test func aWaitEndsWithItsTimeAndWithTheService() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let worker = try await running.worker()
            async let empty = worker.client.lease(max: 1, waitSeconds: 20)
            try await running.untilWorkersWait(1)
            running.clock.advance(20_000)
            #expect(try await empty.isEmpty)
            try await running.untilWorkersWait(0)
        }
        let second = try CoordinatorHarness()
        let waiting = Mutex<Task<[Lease], any Error>?>(nil)
        try await second.run { running in
            let worker = try await running.worker()
            waiting.withLock { $0 = Task { try await worker.client.lease(max: 1, waitSeconds: 60) } }
            try await running.untilWorkersWait(1)
        }
        // The test's clock stood still: it was answered because of the stop, and not cut off by it.
        let call = try #require(waiting.withLock { $0 })
        #expect(try await call.value.isEmpty)
    }

    @Test func aWorkerThatHangsUpIsNotGivenAJob() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let worker = try await running.worker()
            let call = Task { try await worker.client.lease(max: 1, waitSeconds: 60) }
            try await running.untilWorkersWait(1)
            call.cancel()
            try await running.untilWorkersWait(0)
            let key = try PrivateKey.generate()
            let answer = try await running.buy(try SampleWork(), by: key)
            #expect(try await running.client(key).task(answer.taskID).phase == "queued")
        }
    }
}

/// A receipt's members before they are signed, so that a test can lie about one and still sign.
struct ReceiptParts {
    let lease: Lease
    var part: Int64
    var client: Address
    var miner: Address
    var payout: Address
    var units: Int64
    var price: Int64
    var nonce: Nonce16
    var output: OutputMetadata
    var outputHash: OutputHash?

    init(_ lease: Lease, payout: Address, miner: Address, output: OutputMetadata) {
        self.lease = lease
        self.output = output
        self.miner = miner
        self.payout = payout
        part = lease.part
        client = lease.quote.client
        units = lease.quote.computeUnits
        price = lease.quote.price
        nonce = lease.nonce
    }

    func signed(by key: PrivateKey) throws -> SignedReceipt {
        let terms = try ReceiptTerms(
            chain: lease.chain, jobID: lease.jobID, part: part, client: client, miner: miner, payout: payout, computeUnits: units, price: price,
            outputHash: outputHash ?? output.hash, nonce: nonce)
        return SignedReceipt(signing: terms, with: key, on: lease.chain)
    }
}
