import ChainClient
import Coordinator
import Foundation
import Jobs
import Kernels
import Ledger
import Signing
import Synchronization
import Testing
import Wire

@Suite("Coordinator: cancellation and refunds")
struct CoordinatorRefundTests {
    /// Makes blocks until the task's refund is at `stage`.
    private func mine(_ running: CoordinatorUnderTest, _ client: CoordinatorClient, _ task: JobID, until stage: TaskRefund.Stage = .refunded) async throws {
        try await running.until("\(stage)") {
            await running.chain.mine()
            running.clock.advance(1000)
            return try await client.task(task).refund?.stage == stage
        }
    }

    @Test func aPaidTaskIsCanceledAndItsMoneyGoesBack() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let client = running.client(key)
            let answer = try await running.buy(try SampleWork(), by: key)
            let canceled = try await client.cancelTask(answer.taskID)
            #expect(canceled.stage == .failed && canceled.reason == .canceled && canceled.refund?.stage == .refunding)
            try await running.until("sent") { try await client.task(answer.taskID).refund?.tx != nil }
            try await self.mine(running, client, answer.taskID)
            #expect(await running.chain.status(answer.taskID) == .refunded)
            let refund = try await client.task(answer.taskID).refund
            #expect(refund?.tx != nil && refund?.height != nil)
            // Again, and for others: nothing changes.
            #expect(try await client.cancelTask(answer.taskID).refund?.stage == .refunded)
            await expectRefusal(.unknownJob) { _ = try await running.client(try .generate()).cancelTask(answer.taskID) }
            #expect(await running.chain.refunds == 1)
            // Nobody gets it any more.
            #expect(try await running.worker().client.lease(max: 1, waitSeconds: 0).isEmpty)
        }
    }

    @Test func theWorkerHearsOfItAndItsOutputIsRefused() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let work = try SampleWork()
            let answer = try await running.buy(work, by: key)
            let worker = try await running.worker()
            let lease = try await worker.lease()
            #expect(try await !worker.client.heartbeat(lease.id, fence: lease.fence, progress: 0.5).canceled)
            _ = try await running.client(key).cancelTask(answer.taskID)
            #expect(try await worker.client.heartbeat(lease.id, fence: lease.fence, progress: 0.6).canceled)
            let result = try await worker.result(lease, try work.outputs())
            await expectRefusal(.canceled) { _ = try await worker.client.submitResult(lease.id, result) }
            try await self.mine(running, running.client(key), answer.taskID)
        }
    }

    @Test func acceptedWorkIsNeverRefunded() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let work = try SampleWork()
            let answer = try await running.buy(work, by: key)
            let worker = try await running.worker()
            let lease = try await worker.lease()
            _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, try work.outputs()))
            await expectRefusal(.notReady) { _ = try await running.client(key).cancelTask(answer.taskID) }
            #expect(try await running.client(key).task(answer.taskID).refund == nil)
        }
        // Nor after a restart, which looks at all open escrows.
        try await harness.run { running in
            let before = running.clock.ticks
            try await running.until("rounds") { running.clock.ticks > before + 40 }
            #expect(await running.chain.handedIn == 0)
        }
    }

    @Test func aTaskThatFailedForGoodIsRefunded() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.policy = JobPolicy(maxFailedChecks: 1) }) { running in
            let key = try PrivateKey.generate()
            let work = try SampleWork()
            let answer = try await running.buy(work, by: key)
            let worker = try await running.worker()
            let lease = try await worker.lease()
            let forged = try await worker.result(lease, try TestWorker.altered(try work.outputs()))
            await expectRefusal(.verificationFailed) { _ = try await worker.client.submitResult(lease.id, forged) }
            try await self.mine(running, running.client(key), answer.taskID)
            #expect(try await running.client(key).task(answer.taskID).reason == .attemptsExhausted)
        }
    }

    @Test func thePaymentOfACanceledQuoteGoesBackAlsoAfterARestart() async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        let answers = Mutex<[TaskAnswer]>([])
        try await harness.run { running in
            let client = running.client(key)
            for seed in ["1", "2"] {
                let answer = try await running.buy(try SampleWork(seed: seed), by: key, paid: false)
                #expect(try await client.cancelTask(answer.taskID).refund == nil)
                answers.withLock { $0.append(answer) }
            }
            await running.chain.pay(answers.withLock { $0[0] }.quote)
            try await self.mine(running, client, answers.withLock { $0[0] }.taskID)
        }
        await harness.chain.pay(answers.withLock { $0[1] }.quote)
        try await harness.run { running in
            try await self.mine(running, running.client(key), answers.withLock { $0[1] }.taskID)
            #expect(await running.chain.refunds == 2)
        }
    }

    @Test func severalRefundsAreUnderWayAtOnce() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let client = running.client(key)
            var tasks: [JobID] = []
            for seed in 0..<6 { tasks.append(try await running.buy(try SampleWork(seed: "\(seed)"), by: key).taskID) }
            for task in tasks { _ = try await client.cancelTask(task) }
            try await running.until("sent") { await running.chain.handedIn == 6 }
            await running.chain.mine()
            #expect(await running.chain.refunds == 6)
            for task in tasks { try await self.mine(running, client, task) }
            #expect(await running.chain.handedIn == 6)
        }
    }

    /// Answers are lost, the node forgets what waits, the coordinator is stopped between: each escrow is closed once.
    @Test func faultsAndRestartsDoNotRepeatARefund() async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        let tasks = Mutex<[JobID]>([])
        try await harness.run { running in
            for seed in 0..<3 {
                let task = try await running.buy(try SampleWork(seed: "\(seed)"), by: key).taskID
                tasks.withLock { $0.append(task) }
            }
            await running.chain.lose(answers: true)
            for task in tasks.withLock({ $0 }) { _ = try await running.client(key).cancelTask(task) }
            try await running.until("taken, unheard") { await running.chain.handedIn >= 3 }
        }
        await harness.chain.forgetPending()
        await harness.chain.lose(answers: false)
        try await harness.run { running in
            for task in tasks.withLock({ $0 }) { try await self.mine(running, running.client(key), task) }
            #expect(await running.chain.refunds == 3)
        }
    }

    @Test func anOvertakenNonceIsReplaced() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let client = running.client(key)
            var tasks: [JobID] = []
            for seed in 0..<3 { tasks.append(try await running.buy(try SampleWork(seed: "\(seed)"), by: key).taskID) }
            for task in tasks { _ = try await client.cancelTask(task) }
            try await running.until("sent") { await running.chain.handedIn >= 3 }
            let first = try await client.task(tasks[0]).refund?.tx
            await running.chain.overtake(harness.key.address)
            for task in tasks { try await self.mine(running, client, task) }
            #expect(try await client.task(tasks[0]).refund?.tx != first)
            #expect(await running.chain.refunds == 3)
        }
    }

    @Test(arguments: [Problem.Code.insufficientBalance, .replacementFeeTooLow, .feeTooLow, .badAnswer, .escrowClosed])
    func aRefusalThatPassesIsWaitedOut(_ code: Problem.Code) async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let client = running.client(key)
            let task = try await running.buy(try SampleWork(), by: key).taskID
            await running.chain.refuse(code)
            _ = try await client.cancelTask(task)
            try await running.until("refused") { await running.chain.handedIn >= 1 }
            await running.chain.refuse(nil)
            try await self.mine(running, client, task)
        }
    }

    @Test func aClaimThatCameFirstEndsTheRefund() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let client = running.client(key)
            let task = try await running.buy(try SampleWork(), by: key).taskID
            await running.chain.fall(down: true)
            _ = try await client.cancelTask(task)
            await running.chain.settle(task)
            await running.chain.fall(down: false)
            try await running.until("dropped") { try await client.task(task).refund == nil }
            #expect(await running.chain.refunds == 0)
        }
    }
}
