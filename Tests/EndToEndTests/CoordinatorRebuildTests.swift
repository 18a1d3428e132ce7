import ChainClient
@testable import Coordinator
import Foundation
import Jobs
import Kernels
import Ledger
import Signing
import Synchronization
import Testing
import Wire

@Suite("Coordinator: the queue rebuilt from the chain")
struct CoordinatorRebuildTests {
    private func files(_ harness: CoordinatorHarness) -> [String] { ["", "-wal", "-shm"].map { harness.directory + "/coordinator.db" + $0 } }

    /// A payment that reached a block while the coordinator was away, after it had given the quote up.
    @Test func missedPaymentsAreFound() async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        let held = Mutex<TaskAnswer?>(nil)
        let work = try SampleWork()
        try await harness.run { running in
            let answer = try await running.buy(work, by: key, paid: false)
            held.withLock { $0 = answer }
            await running.chain.advance(to: answer.quote.expiresHeight + 1)
            try await running.until("expired") { try await running.client(key).task(answer.taskID).reason == .quoteExpired }
        }
        let answer = try #require(held.withLock { $0 })
        // It was in a block in time; this coordinator's node was behind.
        await harness.chain.advance(to: answer.quote.expiresHeight - 2)
        await harness.chain.pay(answer.quote)
        try await harness.run { running in
            try await running.until("queued") { try await running.client(key).task(answer.taskID).phase == "queued" }
            let worker = try await running.worker()
            let lease = try await worker.lease()
            _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, try work.outputs()))
        }
    }

    @Test func paymentsOfAnOutageAreFoundWithoutARestart() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let answer = try await running.buy(try SampleWork(), by: key, paid: false)
            await running.chain.advance(to: answer.quote.expiresHeight + 1)
            try await running.until("expired") { try await running.client(key).task(answer.taskID).reason == .quoteExpired }
            await running.chain.fall(down: true)
            await running.chain.advance(to: answer.quote.expiresHeight - 2)
            await running.chain.pay(answer.quote)
            let before = running.clock.ticks
            try await running.until("rounds") { running.clock.ticks > before + 30 }
            await running.chain.fall(down: false)
            try await running.until("queued") { try await running.client(key).task(answer.taskID).phase == "queued" }
        }
    }

    /// The store is gone: what was paid goes back, after a time in which signatures of the lost store can be claimed.
    @Test func aLostStoreRefundsWhatItKnowsNothingOf() async throws {
        let harness = try CoordinatorHarness()
        let tasks = Mutex<[JobID]>([])
        try await harness.run { running in
            for seed in 0..<5 {
                let task = try await running.buy(try SampleWork(seed: "\(seed)"), by: try .generate()).taskID
                tasks.withLock { $0.append(task) }
            }
        }
        for path in files(harness) { try? FileManager.default.removeItem(atPath: path) }
        let all = tasks.withLock { $0 }
        // A miner claims with the lost store's signature.
        await harness.chain.settle(all[0])
        try await harness.run(configure: { $0.limits.strayEscrowBlocks = 3 }) { running in
            let before = running.clock.ticks
            try await running.until("rounds") { running.clock.ticks > before + 60 }
            #expect(await running.chain.handedIn == 0)
            try await running.until("refunded") {
                await running.chain.mine()
                var done = 0
                for task in all where await running.chain.status(task) == .refunded { done += 1 }
                return done == 4
            }
            #expect(await running.chain.status(all[0]) == .settled)
            #expect(await running.chain.refunds == 4)
        }
    }

    /// The store is set back to before the payments: jobs that it knows are done, the others are refunded.
    @Test func aStoreThatWasSetBackGoesOnWithTheJobsItKnows() async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        let work = try SampleWork(seed: "known")
        let held = Mutex<[TaskAnswer]>([])
        try await harness.run { running in
            let answer = try await running.buy(work, by: key, paid: false)
            held.withLock { $0.append(answer) }
        }
        for path in files(harness) where FileManager.default.fileExists(atPath: path) {
            try FileManager.default.copyItem(atPath: path, toPath: path + ".old")
        }
        try await harness.run { running in
            await running.chain.pay(held.withLock { $0[0] }.quote)
            let answer = try await running.buy(try SampleWork(seed: "forgotten"), by: key)
            held.withLock { $0.append(answer) }
        }
        for path in files(harness) {
            try? FileManager.default.removeItem(atPath: path)
            try? FileManager.default.moveItem(atPath: path + ".old", toPath: path)
        }
        let answers = held.withLock { $0 }
        try await harness.run(configure: { $0.limits.strayEscrowBlocks = 2 }) { running in
            try await running.until("queued") { try await running.client(key).task(answers[0].taskID).phase == "queued" }
            await expectRefusal(.unknownJob) { _ = try await running.client(key).task(answers[1].taskID) }
            try await running.until("refunded") {
                await running.chain.mine()
                return await running.chain.status(answers[1].taskID) == .refunded
            }
            let worker = try await running.worker()
            let lease = try await worker.lease()
            #expect(lease.jobID == answers[0].taskID)
            _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, try work.outputs()))
        }
    }

    /// The store's own rule, beneath all state machines: what is refunded is not attested, and what is attested not refunded.
    @Test func theStoreNeverHoldsARefundAndAnAttestation() async throws {
        let harness = try CoordinatorHarness()
        let work = try SampleWork()
        let ids = Mutex<[JobID]>([])
        try await harness.run { running in
            let done = try await running.buy(work, by: try .generate()).taskID
            let worker = try await running.worker()
            let lease = try await worker.lease()
            _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, try work.outputs()))
            let open = try await running.buy(try SampleWork(seed: "2"), by: try .generate()).taskID
            ids.withLock { $0 = [done, open] }
        }
        let (done, open) = (ids.withLock { $0[0] }, ids.withLock { $0[1] })
        let store = try SQLiteJobStore(path: harness.directory + "/coordinator.db")
        #expect(try !store.orderRefund(of: done, from: harness.key.address, now: 1))
        #expect(try store.orderRefund(of: open, from: harness.key.address, now: 1))
        #expect(try !store.orderRefund(of: open, from: harness.key.address, now: 2))
        var job = try #require(try store.job(open))
        job.finished = try #require(try store.job(done)?.finished)
        let forged = BoardChange(jobs: [JobChange(job: job)])
        #expect { try store.apply(forged) } throws: { ($0 as? Problem)?.code == .notReady }
        #expect(try store.job(open)?.finished == nil)
    }
}
