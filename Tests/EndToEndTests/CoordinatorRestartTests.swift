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

@Suite("Coordinator: restarts and challenges")
struct CoordinatorRestartTests {
    @Test func jobsLeasesAndWorkersSurvive() async throws {
        let harness = try CoordinatorHarness()
        let clientKey = try PrivateKey.generate()
        let minerKey = try PrivateKey.generate()
        let works = try ["1", "2", "3"].map { try SampleWork(seed: $0) }
        let state = Mutex<(answers: [TaskAnswer], lease: Lease?)>(([], nil))
        try await harness.run { running in
            let worker = TestWorker(key: minerKey, payout: minerKey.address, client: running.client(minerKey))
            try await worker.client.registerWorker(worker.registration(memoryBytes: 1 << 30, tier: .inference))
            let first = try await running.buy(works[0], by: clientKey)
            let lease = try await worker.lease()
            let second = try await running.buy(works[1], by: clientKey)
            let third = try await running.buy(works[2], by: clientKey, paid: false)
            state.withLock { $0 = ([first, second, third], lease) }
        }
        let (answers, lease) = state.withLock { $0 }
        harness.clock.advance(5000)
        try await harness.run { running in
            let client = running.client(clientKey)
            let worker = TestWorker(key: minerKey, payout: minerKey.address, client: running.client(minerKey))
            #expect(try await client.task(answers[0].taskID).phase == "leased")
            #expect(try await client.task(answers[1].taskID).phase == "queued")
            await running.chain.pay(answers[2].quote)
            try await running.until("queued") { try await client.task(answers[2].taskID).phase == "queued" }
            // The lease of the first life still holds.
            let held = try #require(lease)
            _ = try await worker.client.submitResult(held.id, try await worker.result(held, try works[0].outputs()))
            #expect(try await worker.lease().jobID == answers[1].taskID)
        }
        try await harness.run { running in
            #expect(try await running.client(clientKey).taskResult(answers[0].taskID).taskID == answers[0].taskID)
            let worker = TestWorker(key: minerKey, payout: minerKey.address, client: running.client(minerKey))
            // And its answer is still the same.
            let held = try #require(lease)
            _ = try await worker.client.submitResult(held.id, try await worker.result(held, try works[0].outputs()))
            // The second job's lease is not kept alive.
            running.clock.advance(61_000)
            try await running.until("queued again") { try await running.client(clientKey).task(answers[1].taskID).phase == "queued" }
        }
    }

    @Test func anOutageCostsNobodyALease() async throws {
        let harness = try CoordinatorHarness()
        let work = try SampleWork()
        let minerKey = try PrivateKey.generate()
        let held = Mutex<Lease?>(nil)
        try await harness.run { running in
            let worker = TestWorker(key: minerKey, payout: minerKey.address, client: running.client(minerKey))
            try await worker.client.registerWorker(worker.registration(memoryBytes: 1 << 30, tier: .inference))
            _ = try await running.buy(work, by: try .generate())
            let lease = try await worker.lease()
            held.withLock { $0 = lease }
        }
        // Ten times as long as a lease lives without a heartbeat, but within its limit.
        harness.clock.advance(590_000)
        try await harness.run { running in
            let worker = TestWorker(key: minerKey, payout: minerKey.address, client: running.client(minerKey))
            let lease = try #require(held.withLock { $0 })
            running.clock.advance(5000)
            _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, try work.outputs()))
        }
    }

    @Test(arguments: [3, 4]) func aCheckThatCannotBeMadeIsTriedAgainAndThenEndsTheLease(_ failures: Int) async throws {
        let harness = try CoordinatorHarness()
        let passes = RecordingPasses(failures: failures)
        try await harness.run(passes: passes) { running in
            let work = try SampleWork()
            let key = try PrivateKey.generate()
            let answer = try await running.buy(work, by: key)
            let worker = try await running.worker()
            let lease = try await worker.lease()
            let result = try await worker.result(lease, try work.outputs())
            guard failures == 4 else {
                _ = try await worker.client.submitResult(lease.id, result)
                return
            }
            for _ in 0..<2 { await expectRefusal(.leaseExpired) { _ = try await worker.client.submitResult(lease.id, result) } }
            #expect(try await running.client(key).task(answer.taskID).failedChecks == 0)
            running.clock.advance(2000)
            let second = try await worker.lease()
            _ = try await worker.client.submitResult(second.id, try await worker.result(second, try work.outputs()))
        }
    }

    /// The output is committed before a challenge exists: a coordinator that stops in the middle of a check knows the commitment
    /// afterwards, holds the worker to it, and draws another challenge.
    @Test func theCommitmentComesBeforeTheChallenge() async throws {
        let harness = try CoordinatorHarness()
        let clientKey = try PrivateKey.generate()
        let minerKey = try PrivateKey.generate()
        let work = try SampleWork()
        let first = RecordingPasses()
        let held = Mutex<Lease?>(nil)
        try await harness.run(passes: first) { running in
            let worker = TestWorker(key: minerKey, payout: minerKey.address, client: running.client(minerKey))
            try await worker.client.registerWorker(worker.registration(memoryBytes: 1 << 30, tier: .inference))
            _ = try await running.buy(work, by: clientKey)
            let lease = try await worker.lease()
            held.withLock { $0 = lease }
            first.hold()
            let forged = try await worker.result(lease, try TestWorker.altered(try work.outputs()))
            Task { _ = try? await worker.client.submitResult(lease.id, forged) }
            try await running.until("the check runs") { !first.vectors.isEmpty }
            // While the check runs, another output is refused and the same one waits.
            let right = try await worker.result(lease, try work.outputs())
            await expectRefusal(.leaseTaken) { _ = try await worker.client.submitResult(lease.id, right) }
        }
        first.letGo()
        let second = RecordingPasses()
        try await harness.run(passes: second) { running in
            let worker = TestWorker(key: minerKey, payout: minerKey.address, client: running.client(minerKey))
            let lease = try #require(held.withLock { $0 })
            // Nobody sends the result again: the stored commitment is checked, and refused.
            try await running.until("checked") { try await running.client(clientKey).tasks().tasks.first?.failedChecks == 1 }
            let right = try await worker.result(lease, try work.outputs())
            await expectRefusal(.verificationFailed) { _ = try await worker.client.submitResult(lease.id, right) }
        }
        let (before, after) = (first.vectors.first ?? [], second.vectors.first ?? [])
        #expect(!before.isEmpty && before.count == after.count && before != after)
    }

    @Test func ofManyCallsForOneOutcomeTheLatestAreKept() async throws {
        let harness = try CoordinatorHarness()
        let passes = RecordingPasses()
        passes.hold()
        try await harness.run(passes: passes) { running in
            let work = try SampleWork()
            _ = try await running.buy(work, by: try .generate())
            let worker = try await running.worker()
            let lease = try await worker.lease()
            let result = try await worker.result(lease, try work.outputs())
            let first = Task { try await worker.client.submitResult(lease.id, result) }
            try await running.until("the check runs") { !passes.vectors.isEmpty }
            let later = (0..<4).map { _ in Task { try await worker.client.submitResult(lease.id, result) } }
            await expectRefusal(.unavailable) { _ = try await first.value }
            passes.letGo()
            for call in later { #expect(try await call.value.claim.terms.jobID == lease.jobID) }
        }
        passes.letGo()
    }

    @Test func everyCheckDrawsItsOwnChallenge() async throws {
        let harness = try CoordinatorHarness()
        let passes = RecordingPasses()
        try await harness.run(passes: passes) { running in
            let work = try SampleWork()
            let worker = try await running.worker()
            let key = try PrivateKey.generate()
            for _ in 0..<2 {
                _ = try await running.buy(work, by: key)
                let lease = try await worker.lease()
                _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, try work.outputs()))
            }
            let records = try await running.client(key).tasks().tasks
            var challenges: Set<Digest> = []
            for record in records { challenges.insert(try await running.client(key).taskResult(record.taskID).verification.challenge) }
            #expect(challenges.count == 2)
        }
        // Each check sees the same few vectors, and no vector of the other's.
        let half = passes.vectors.count / 2
        #expect(half > 0 && Set(passes.vectors[..<half]).isDisjoint(with: passes.vectors[half...]))
    }

    @Test func theChainMayBeAway() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let answer = try await running.buy(try SampleWork(), by: key, paid: false)
            await running.chain.fall(down: true)
            await running.chain.pay(answer.quote)
            #expect(try await running.client(key).task(answer.taskID).phase == "quoted")
            await running.chain.fall(down: false)
            try await running.until("queued") { try await running.client(key).task(answer.taskID).phase == "queued" }
        }
    }
}

/// The plain passes, which also note the secret vectors that they were given for B, and can be held up.
final class RecordingPasses: VerifierPasses {
    private let plain = PlainPasses()
    private let seen = Mutex<[[UInt64]]>([])
    private let isHeld = Mutex(false)
    private let failures: Mutex<Int>

    /// - Parameter failures: so many calls fail first.
    init(failures: Int = 0) { self.failures = Mutex(failures) }

    var vectors: [[UInt64]] { seen.withLock { $0 } }
    func hold() { isHeld.withLock { $0 = true } }
    func letGo() { isHeld.withLock { $0 = false } }

    func fieldProduct(_ matrix: MatrixView, _ vectors: [UInt64], count: Int) throws(Problem) -> [UInt64] {
        let fails = failures.withLock { left in
            left -= 1
            return left >= 0
        }
        if fails { throw Problem(.ioFailed, "the disk is away") }
        seen.withLock { $0.append(vectors) }
        while isHeld.withLock({ $0 }) { usleep(1000) }
        return try plain.fieldProduct(matrix, vectors, count: count)
    }

    func columnNorms(_ b: MatrixView) throws(Problem) -> ColumnNorms { try plain.columnNorms(b) }
    func probe(_ b: MatrixView, with probe: ColumnProbe, energies: Bool) throws(Problem) -> ProbedRows {
        try plain.probe(b, with: probe, energies: energies)
    }

    func rowResiduals(a: MatrixView, c: MatrixView, rows: ProbedRows, probe: ColumnProbe, vectors: Bool) throws(Problem) -> RowResiduals {
        try plain.rowResiduals(a: a, c: c, rows: rows, probe: probe, vectors: vectors)
    }

    func roundedProbes(_ b: MatrixView, with probe: ColumnProbe) throws(Problem) -> [[Double]] { try plain.roundedProbes(b, with: probe) }

    func filterImages(a: MatrixView, y: [Double], rounded: [[Double]]) throws(Problem) -> [[Double]] {
        try plain.filterImages(a: a, y: y, rounded: rounded)
    }

    func recomputeSums(a: MatrixView, b: MatrixView, rows: [Int], again: Bool) throws(Problem) -> RowSums {
        try plain.recomputeSums(a: a, b: b, rows: rows, again: again)
    }

    func runningSums(a: MatrixView, rows: ProbedRows, indices: [Int]) throws(Problem) -> [Double] {
        try plain.runningSums(a: a, rows: rows, indices: indices)
    }

    func recomputeCells(_ gemm: GEMM, a: MatrixView, b: MatrixView, cells: [Cell]) throws(Problem) -> [UInt64] {
        try plain.recomputeCells(gemm, a: a, b: b, cells: cells)
    }

    func recomputeRows(_ gemm: GEMM, a: MatrixView, b: MatrixView, rows: [Int]) throws(Problem) -> [UInt64] {
        try plain.recomputeRows(gemm, a: a, b: b, rows: rows)
    }
}
