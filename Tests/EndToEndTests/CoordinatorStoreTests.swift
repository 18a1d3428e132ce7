import ChainClient
@testable import Coordinator
import Foundation
import GRDB
import Jobs
import Kernels
import Ledger
import Signing
import Synchronization
import Testing
import Wire

@Suite("Coordinator: what the store writes and gives back")
struct CoordinatorStoreTests {
    /// One job, done and signed, and what its worker was answered; the coordinator has stopped.
    private func done() async throws -> (harness: CoordinatorHarness, job: JobID, lease: String, answer: LeaseResultAnswer) {
        let harness = try CoordinatorHarness()
        let work = try SampleWork()
        let made = Mutex<(job: JobID, lease: String, answer: LeaseResultAnswer)?>(nil)
        try await harness.run { running in
            let job = try await running.buy(work, by: try .generate()).taskID
            let worker = try await running.worker()
            let lease = try await worker.lease()
            let answer = try await worker.client.submitResult(lease.id, try await worker.result(lease, try work.outputs()))
            made.withLock { $0 = (job, lease.id, answer) }
        }
        let (job, lease, answer) = try #require(made.withLock { $0 })
        return (harness, job, lease, answer)
    }

    private func accepted(_ lease: StoredLease?) -> LeaseResultAnswer? {
        if case .accepted(let answer)? = lease?.outcome { answer } else { nil }
    }

    /// A repeated message is answered from the job's own receipt; files of earlier versions have the whole answer beside the lease.
    @Test func theAnswerToAResultIsStoredOnce() async throws {
        let (harness, _, lease, answer) = try await done()
        let path = harness.directory + "/coordinator.db"
        #expect(accepted(try SQLiteJobStore(path: path).lease(lease)) == answer)
        let file = try DatabaseQueue(path: path)
        let sql = "SELECT answer FROM lease WHERE id = ?"
        #expect(try await file.read { try String.fetchOne($0, sql: sql, arguments: [lease]) } == "")
        try await file.write { db in
            try db.execute(sql: "UPDATE lease SET answer = ? WHERE id = ?", arguments: [answer.json.canonicalString, lease])
            try db.execute(sql: "UPDATE job SET claim = NULL")
        }
        #expect(accepted(try SQLiteJobStore(path: path).lease(lease)) == answer)
        try await file.write { try $0.execute(sql: "UPDATE lease SET answer = ''") }
        let store = try SQLiteJobStore(path: path)
        #expect { try store.lease(lease) } throws: { ($0 as? Problem)?.code == .ioFailed }
    }

    /// What a step doesn't change stays as it is, whatever the step knows of it.
    @Test func whatIsKnownIsNotLost() async throws {
        let (harness, id, lease, answer) = try await done()
        let store = try SQLiteJobStore(path: harness.directory + "/coordinator.db")
        let job = try #require(try store.job(id))
        let known = try #require(try store.lease(lease))
        #expect(known.isCommitted)
        let grant = known.grant
        let later = grant.extended(to: grant.deadline + 7)
        try store.apply(
            BoardChange(jobs: [JobChange(job: job, lease: known.granted(later), knownLease: known, knowsFinished: true)], now: 1))
        let after = try #require(try store.lease(lease))
        #expect(after.grant == later && after.commitment == known.commitment && accepted(after) == answer)
        #expect(try store.job(id)?.finished?.claim == answer.claim)
        // What nothing is known of is as the change says.
        var open = job
        open.finished = nil
        let bare = StoredLease(grant: grant, job: id, payout: known.payout)
        try store.apply(BoardChange(jobs: [JobChange(job: open, lease: bare)], now: 2))
        let emptied = try #require(try store.lease(lease))
        #expect(emptied.grant == grant && emptied.commitment == nil && emptied.outcome == nil)
        #expect(try store.job(id)?.finished == nil)
    }

    /// The file as the version before earned tiers and demand left it: what its migrations made, and nothing else.
    private static func takeBack(_ path: String) throws {
        try DatabaseQueue(path: path).write { db in
            try db.execute(
                sql: """
                    DROP TABLE demand; DROP TABLE view; DELETE FROM grdb_migrations WHERE identifier IN ('demand', 'views');
                    UPDATE job SET created = CAST(strftime('%s', 'now') AS INTEGER) * 1000;
                    """)
            let tables = try String.fetchSet(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            #expect(
                tables == ["grdb_migrations", "job", "idempotency", "lease", "worker", "blob", "nonce", "standing", "small_blob", "outgoing", "upload"])
            let steps = try String.fetchSet(db, sql: "SELECT identifier FROM grdb_migrations")
            #expect(steps == ["1", "2", "3", "standing", "small blobs", "outgoing", "uploads"])
        }
    }

    /// Jobs in every stage go on, and what was accepted within the last day counts as demand.
    @Test func aFileOfAnEarlierVersionKeepsItsJobs() async throws {
        let harness = try CoordinatorHarness()
        let (client, key) = (try PrivateKey.generate(), try PrivateKey.generate())
        let works = try ["done", "held", "waiting"].map { try SampleWork(seed: $0) }
        let made = Mutex<(jobs: [TaskAnswer], lease: Lease)?>(nil)
        try await harness.run { running in
            let worker = TestWorker(key: key, payout: key.address, client: running.client(key))
            try await worker.client.registerWorker(worker.registration(memoryBytes: 1 << 30, tier: .inference))
            let done = try await running.buy(works[0], by: client)
            let first = try await worker.lease()
            _ = try await worker.client.submitResult(first.id, try await worker.result(first, try works[0].outputs()))
            let held = try await running.buy(works[1], by: client)
            let lease = try await worker.lease()
            let waiting = try await running.buy(works[2], by: client)
            made.withLock { $0 = ([done, held, waiting], lease) }
        }
        let (jobs, lease) = try #require(made.withLock { $0 })
        let path = harness.directory + "/coordinator.db"
        try Self.takeBack(path)
        let demand = try SQLiteJobStore(path: path).demand(since: 0)
        #expect(demand.map(\.kernel) == ["gemm"])
        #expect(demand.first?.sum == NetworkDemand.Sum(jobs: 1, units: jobs[0].quote.computeUnits, paid: jobs[0].quote.price))

        // A coordinator takes requests from its next whole second on.
        harness.clock.advance(3000 - harness.clock.nowMilliseconds % 1000)
        try await harness.run { running in
            let own = running.client(client)
            let phases = try await [own.task(jobs[0].taskID).phase, own.task(jobs[1].taskID).phase, own.task(jobs[2].taskID).phase]
            #expect(phases == ["completed", "leased", "queued"])
            #expect(try await own.taskResult(jobs[0].taskID).output.outputs.map(\.root) == works[0].outputs().map(\.root))
            let worker = TestWorker(key: key, payout: key.address, client: running.client(key))
            #expect(try await worker.client.heldLeases().map(\.id) == [lease.id])
            #expect(try await worker.client.ownReport().view == WorkerView())
            _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, try works[1].outputs()))
            #expect(try await worker.lease().quote.jobID == jobs[2].taskID)
            #expect(try await own.task(jobs[1].taskID).phase == "completed")
        }
    }
}
