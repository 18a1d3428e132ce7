import ChainClient
import Coordinator
import Jobs
import Kernels
import Ledger
import Signing
import Synchronization
import Testing
import Wire

@Suite("Coordinator: the way of a job")
struct CoordinatorJobTests {
    @Test(arguments: [DType.i8, .f32, .f64]) func aJobIsSoldLeasedCheckedAndSigned(_ dtype: DType) async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let clientKey = try PrivateKey.generate()
            let client = running.client(clientKey)
            let work = try SampleWork(dtype)
            let answer = try await running.buy(work, by: clientKey)
            try answer.check(spec: work.spec, client: clientKey.address, chain: harness.chainID)
            #expect(answer.quote.computeUnits == (try work.spec.kernel().computeUnits))
            #expect(answer.quote.price == 7 * answer.quote.computeUnits)

            let worker = try await running.worker()
            let lease = try await worker.lease()
            #expect(lease.quote == answer.quote)
            #expect(lease.payout == worker.payout)
            #expect(try await client.task(answer.taskID).stage == .running)
            #expect(try await running.metrics().contains("adit_jobs{phase=\"leased\"} 1\n"))
            let result = try await worker.result(lease, try work.outputs())
            let signed = try await worker.client.submitResult(lease.id, result)

            // What the chain will ask of the claim.
            #expect(signed.claim.terms.namesItself(on: harness.chainID))
            #expect(signed.claim.minerSignatureHolds(on: harness.chainID))
            #expect(signed.claim.coordinatorSignatureHolds(on: harness.chainID, under: harness.key.publicKey))
            #expect(signed.claim.payment == lease.payment)
            #expect(signed.claim.terms.computeUnits == answer.quote.computeUnits && signed.claim.terms.price == answer.quote.price)
            #expect(signed.verification.className == (dtype == .i8 ? "exact" : "bits"))

            // A repeated message gets the same answer.
            #expect(try await worker.client.submitResult(lease.id, result) == signed)

            let done = try await client.taskResult(answer.taskID)
            #expect(done.receipt == signed.claim)
            #expect(done.output == result.output)
            let output = try #require(done.output.outputs.first)
            #expect(try await client.blob(output.root, byteCount: output.descriptor.byteCount) == (try work.outputs().first?.buffer.bytes))

            await running.chain.claim(signed.claim.terms.receiptID)
            try await running.until("claim seen") { try await client.task(answer.taskID).claimHeight != nil }
            #expect(try await client.tasks(stage: .completed).tasks.map(\.taskID) == [answer.taskID])
            #expect(try await running.metrics().contains("adit_jobs{phase=\"leased\"} 0\n"))
        }
    }

    @Test func randomInputsNeedNoUpload() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let a = try RandomTensor(seed: SHA256.hash(utf8: "a"), descriptor: TensorDescriptor(name: "a", dtype: .f32, shape: [9, 300]))
            let b = try RandomTensor(seed: SHA256.hash(utf8: "b"), descriptor: TensorDescriptor(name: "b", dtype: .f32, shape: [300, 5]))
            let spec = try JobSpec(
                type: "gemm", params: [:], inputs: [a, b].map { InputSpec($0.descriptor, .random(seed: $0.seed)) })
            let answer = try await running.client(key).postTask(TaskRequest(spec: spec, client: key.address))
            await running.chain.pay(answer.quote)
            let worker = try await running.worker()
            let lease = try await worker.lease(wait: 30)
            let outputs = try spec.kernel().reference([try a.generate(), try b.generate()])
            _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, outputs))
        }
    }

    @Test(arguments: [DType.i8, .f32, .f64]) func aCheatIsRefusedAndTheJobGoesToAnother(_ dtype: DType) async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let clientKey = try PrivateKey.generate()
            let work = try SampleWork(dtype, m: 12, k: 30, n: 10)
            let answer = try await running.buy(work, by: clientKey)
            let cheat = try await running.worker()
            let honest = try await running.worker()
            let lease = try await cheat.lease()
            let forged = try await cheat.result(lease, try TestWorker.altered(try work.outputs()))
            for _ in 0..<2 {
                await expectRefusal(.verificationFailed) { _ = try await cheat.client.submitResult(lease.id, forged) }
            }
            // Its one commitment is spent, with the right output too; and the job is not offered to it again.
            let right = try await cheat.result(lease, try work.outputs())
            await expectRefusal(.verificationFailed) { _ = try await cheat.client.submitResult(lease.id, right) }
            #expect(try await cheat.client.lease(max: 1, waitSeconds: 0).isEmpty)
            await expectRefusal(.notReady) { _ = try await running.client(clientKey).taskResult(answer.taskID) }

            let second = try await honest.lease()
            #expect(second.fence == 2 && second.nonce != lease.nonce)
            _ = try await honest.client.submitResult(second.id, try await honest.result(second, try work.outputs()))
            let status = try await running.client(clientKey).task(answer.taskID)
            #expect(status.stage == .completed && status.failedChecks == 1 && status.attempts == 2 && status.worker == honest.key.address)
        }
    }

    @Test func aJobThatKeepsFailingItsCheckFails() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.policy = JobPolicy(maxFailedChecks: 2) }) { running in
            let clientKey = try PrivateKey.generate()
            let work = try SampleWork()
            let answer = try await running.buy(work, by: clientKey)
            for _ in 0..<2 {
                let cheat = try await running.worker()
                let lease = try await cheat.lease()
                let forged = try await cheat.result(lease, try TestWorker.altered(try work.outputs()))
                await expectRefusal(.verificationFailed) { _ = try await cheat.client.submitResult(lease.id, forged) }
            }
            let status = try await running.client(clientKey).task(answer.taskID)
            #expect(status.stage == .failed && status.reason == .attemptsExhausted)
        }
    }

    @Test func aWaitingWorkerGetsTheJobAsItIsPaid() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let clientKey = try PrivateKey.generate()
            let worker = try await running.worker()
            let answer = try await running.buy(try SampleWork(), by: clientKey, paid: false)
            async let lease = worker.lease(wait: 60)
            await running.chain.pay(answer.quote)
            #expect(try await lease.jobID == answer.taskID)
        }
    }

    @Test func onlyTheQuotesOwnDepositQueuesAJob() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let clientKey = try PrivateKey.generate()
            let client = running.client(clientKey)
            let worker = try await running.worker()
            let answer = try await running.buy(try SampleWork(), by: clientKey, paid: false)
            let stranger = try PrivateKey.generate()
            await running.chain.pay(answer.quote, price: answer.quote.price - 1)
            try await Self.rounds(running)
            await running.chain.pay(answer.quote, coordinator: stranger.publicKey)
            try await Self.rounds(running)
            await running.chain.pay(answer.quote, client: stranger.address)
            try await Self.rounds(running)
            await running.chain.pay(answer.quote, isOpen: false)
            try await Self.rounds(running)
            #expect(try await client.task(answer.taskID).phase == "quoted")
            #expect(try await worker.client.lease(max: 1, waitSeconds: 0).isEmpty)
            await running.chain.pay(answer.quote)
            try await running.until("queued") { try await client.task(answer.taskID).phase == "queued" }
        }
    }

    /// Lets the watcher look at the chain again: the height that it publishes has passed the present one.
    private static func rounds(_ running: CoordinatorUnderTest) async throws {
        let key = try PrivateKey.generate()
        let height = try await running.chain.height() + 1
        await running.chain.advance(to: height)
        for target in [height, height + 1] {
            await running.chain.advance(to: target)
            try await running.until("a round") { try await running.client(key).networkState().height >= target }
        }
    }

    @Test func aJobThatNobodyTookIsGivenUpBeforeItsRefund() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let answer = try await running.buy(try SampleWork(), by: key)
            let paid = try #require(try await running.client(key).task(answer.taskID).payment?.height)
            await running.chain.advance(to: paid + 43_200 - 602)
            try await running.until("seen") { try await running.client(key).networkState().height == paid + 42_598 }
            #expect(try await running.client(key).task(answer.taskID).phase == "queued")
            await running.chain.advance(to: paid + 43_200 - 600)
            try await running.until("given up") { try await running.client(key).task(answer.taskID).reason == .notEnoughTime }
            await expectRefusal(.notReady) { _ = try await running.client(key).taskResult(answer.taskID) }
        }
    }

    @Test func quotesExpireAndCanBeCanceled() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let clientKey = try PrivateKey.generate()
            let client = running.client(clientKey)
            let first = try await running.buy(try SampleWork(seed: "1"), by: clientKey, paid: false)
            let second = try await running.buy(try SampleWork(seed: "2"), by: clientKey, paid: false)
            let paid = try await running.buy(try SampleWork(seed: "3"), by: clientKey)
            #expect(try await client.cancelTask(first.taskID).reason == .canceled)
            await running.chain.advance(to: second.quote.expiresHeight + 1)
            try await running.until("expired") { try await client.task(second.taskID).reason == .quoteExpired }
            #expect(try await client.task(paid.taskID).phase == "queued")
        }
    }
}
