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
}
