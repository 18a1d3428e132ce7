import ChainClient
import Coordinator
import Foundation
import Jobs
import Kernels
import Ledger
import Signing
import Testing
import Wire

@Suite("Coordinator: many small leases")
struct CoordinatorManyLeasesTests {
    /// Buys so many small jobs.
    private func buy(_ count: Int, _ running: CoordinatorUnderTest, by key: PrivateKey) async throws -> [SampleWork] {
        var works: [SampleWork] = []
        for index in 0..<count {
            let work = try SampleWork(m: 5, k: 6, n: 7, seed: "small \(index)")
            _ = try await running.buy(work, by: key)
            works.append(work)
        }
        return works
    }

    private func inline(_ worker: TestWorker, _ lease: Lease, _ outputs: [Tensor], next: Int? = nil) throws -> ResultSubmission {
        ResultSubmission(
            try worker.signedResult(lease, outputs.map { OutputTensor($0.descriptor, root: $0.root) }),
            tensors: outputs.map { InlineTensor(root: $0.root, bytes: $0.buffer.bytes) }, next: next)
    }

    private func outputs(_ lease: Lease, _ works: [SampleWork]) throws -> [Tensor] {
        try #require(works.first { $0.spec.hash == lease.spec.hash }).outputs()
    }

    @Test func severalComeInOneCallEachWithItsOwnNames() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let works = try await buy(7, running, by: .generate())
            let worker = try await running.worker()
            let leases = try await worker.client.lease(max: 5, waitSeconds: 0)
            #expect(leases.count == 5)
            #expect(Set(leases.map(\.id)).count == 5 && Set(leases.map(\.nonce)).count == 5 && Set(leases.map(\.jobID)).count == 5)
            // In any order, and each by its own lease alone.
            for lease in leases.reversed() {
                _ = try await worker.client.submit(lease.id, inline(worker, lease, outputs(lease, works)))
            }
            await expectRefusal(.escrowMismatch) {
                let rest = try await worker.client.lease(max: 2, waitSeconds: 0)
                let other = try signedFor(worker, rest[1], under: rest[0], outputs(rest[1], works))
                _ = try await worker.client.submit(rest[0].id, other)
            }
        }
    }

    /// A receipt for one lease, sent for another of the same worker.
    private func signedFor(_ worker: TestWorker, _ lease: Lease, under held: Lease, _ outputs: [Tensor]) throws -> ResultSubmission {
        let honest = try inline(worker, lease, outputs)
        let metadata = OutputMetadata(
            specHash: held.spec.hash, kernel: held.spec.type, arithmetic: honest.result.output.arithmetic, outputs: honest.result.output.outputs)
        return ResultSubmission(
            LeaseResult(
                fence: held.fence, output: metadata, receipt: honest.result.receipt, timing: honest.result.timing, device: "test"),
            tensors: honest.tensors)
    }

    @Test func resultsThatComeTogetherAreEachAnsweredAlone() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let works = try await buy(48, running, by: .generate())
            let workers = [try await running.worker(), try await running.worker()]
            var held: [(worker: TestWorker, lease: Lease)] = []
            for worker in workers {
                for lease in try await worker.client.lease(max: 12, waitSeconds: 0) { held.append((worker, lease)) }
            }
            #expect(held.count == 24 && Set(held.map(\.lease.jobID)).count == 24)
            // All at once; the first of each worker is wrong in one cell, and the second is sent three times.
            let liars: Set<String> = [held[0].lease.id, held[12].lease.id]
            let eager: Set<String> = [held[1].lease.id, held[13].lease.id]
            let answers = try await withThrowingTaskGroup(of: (String, Result<ResultAnswer, Problem>).self) { group in
                for (worker, lease) in held {
                    var outputs = try outputs(lease, works)
                    if liars.contains(lease.id) { outputs = try TestWorker.altered(outputs) }
                    let submission = try inline(worker, lease, outputs, next: 12)
                    for _ in 0..<(eager.contains(lease.id) ? 3 : 1) {
                        group.addTask { (lease.id, await Self.insist { () async throws(Problem) in try await worker.client.submit(lease.id, submission) }) }
                    }
                }
                var answers: [String: [Result<ResultAnswer, Problem>]] = [:]
                for try await (lease, answer) in group { answers[lease, default: []].append(answer) }
                return answers
            }
            var next: [JobID] = []
            for (worker, lease) in held {
                let mine = try #require(answers[lease.id])
                if liars.contains(lease.id) {
                    guard case .failure(let problem) = mine[0] else { throw Problem(.internalError, "a wrong output was accepted") }
                    #expect(problem.code == .verificationFailed)
                    continue
                }
                let results = try mine.map { try $0.get() }
                #expect(results.allSatisfy { $0.result == results[0].result }, "one signature, however often it is asked for")
                let terms = results[0].result.claim.terms
                #expect(terms.jobID == lease.jobID && terms.nonce == lease.nonce && terms.miner == worker.key.address)
                next += results.flatMap(\.leases).map(\.jobID)
            }
            #expect(!next.isEmpty && Set(next).count == next.count, "no job is leased twice")
            #expect(Set(next).isDisjoint(with: held.filter { !liars.contains($0.lease.id) }.map(\.lease.jobID)))
        }
    }

    @Test func resultsInOneMessageAreEachTakenOrRefusedForThemselves() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let works = try await buy(20, running, by: .generate())
            let worker = try await running.worker()
            let stranger = try await running.worker()
            let leases = try await worker.client.lease(max: 8, waitSeconds: 0)
            let foreign = try await stranger.client.lease(max: 1, waitSeconds: 0)
            var items: [ResultBatch.Item] = []
            for (index, lease) in leases.enumerated() {
                var outputs = try outputs(lease, works)
                if index == 2 { outputs = try TestWorker.altered(outputs) }
                items.append(ResultBatch.Item(lease.id, try inline(worker, lease, outputs, next: 2)))
            }
            // Another worker's lease, and one that never was.
            let other = try inline(worker, foreign[0], outputs(foreign[0], works))
            items.append(ResultBatch.Item(foreign[0].id, other))
            items.append(ResultBatch.Item("lease_0", other))
            let answer = try await worker.client.submit(ResultBatch(items))
            for (index, outcome) in answer.outcomes.enumerated() {
                switch outcome {
                case .success(let one): #expect(index < 8 && index != 2 && one.result.claim.terms.jobID == leases[index].jobID)
                case .failure(let problem):
                    #expect(problem.code == [2: .verificationFailed, 8: .unknownLease, 9: .unknownLease][index], "\(index): \(problem)")
                }
            }
            let next = answer.outcomes.flatMap { (try? $0.get())?.leases ?? [] }
            #expect(!next.isEmpty && Set(next.map(\.jobID)).count == next.count)
            // The answer was lost.
            let again = try await worker.client.submit(ResultBatch(items.filter { item in item.lease == leases[0].id || item.lease == leases[2].id }))
            #expect(try again.outcomes[0].get().result == answer.outcomes[0].get().result)
            if case .success = again.outcomes[1] { Issue.record("a refused result is accepted when it is sent again") }
            await expectRefusal(.badRequest) { _ = try await worker.client.submit(ResultBatch([items[0], items[0]])) }
            await expectRefusal(.outOfRange) { _ = try await worker.client.submit(ResultBatch((0..<17).map { ResultBatch.Item("lease_\($0)", other) })) }
        }
    }

    /// As a miner does: asks again while the same message is being written.
    private static func insist<Value>(_ ask: () async throws(Problem) -> Value) async -> Result<Value, Problem> {
        while true {
            do throws(Problem) {
                return .success(try await ask())
            } catch {
                guard error.code == .unavailable else { return .failure(error) }
                await Task.yield()
            }
        }
    }

    @Test func aResultBringsTheNextLeasesAndItsRepetitionTheSameSignature() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let works = try await buy(4, running, by: .generate())
            let worker = try await running.worker()
            var lease = try await worker.lease()
            var done = 0
            while true {
                let submission = try inline(worker, lease, outputs(lease, works), next: 1)
                let answer = try await worker.client.submit(lease.id, submission)
                let again = try await worker.client.submit(lease.id, ResultSubmission(submission.result))
                #expect(again.result == answer.result, "the answer was lost, and is asked for again")
                done += 1
                guard let next = answer.leases.first else { break }
                #expect(answer.leases.count == 1)
                lease = next
            }
            #expect(done == 4)
            let silent = try await buy(1, running, by: .generate())
            let last = try await worker.lease()
            let unasked = try await worker.client.submit(last.id, inline(worker, last, outputs(last, silent)))
            #expect(unasked.leases.isEmpty)
        }
    }

    @Test func aWorkerThatLostAnAnswerAsksWhatItHolds() async throws {
        let harness = try CoordinatorHarness()
        let worker = try await harness.runTwice { running in
            _ = try await buy(3, running, by: .generate())
            let worker = try await running.worker()
            let given = try await worker.client.lease(max: 2, waitSeconds: 0)
            running.clock.advance(50_000)
            let held = try await worker.client.heldLeases()
            #expect(Set(held.map(\.id)) == Set(given.map(\.id)) && Set(held.map(\.nonce)) == Set(given.map(\.nonce)))
            running.clock.advance(50_000)
            #expect(try await worker.client.heldLeases().count == 2, "asking is a sign of life")
            #expect(try await running.worker().client.heldLeases().isEmpty)
            return worker
        } then: { running, worker in
            let held = try await running.client(worker.key).heldLeases()
            #expect(held.count == 2, "a restart forgets none")
        }
        _ = worker
    }

    @Test func smallOutputsTravelInTheResultAndOutliveARestart() async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        let root = try await harness.runTwice { running in
            let works = try await buy(1, running, by: key)
            let worker = try await running.worker()
            let lease = try await worker.lease()
            let right = try outputs(lease, works)
            let wrong = ResultSubmission(
                try worker.signedResult(lease, right.map { OutputTensor($0.descriptor, root: $0.root) }),
                tensors: right.map { InlineTensor(root: $0.root, bytes: $0.buffer.bytes.map { $0 ^ 1 }) })
            await expectRefusal(.blobMismatch) { _ = try await worker.client.submit(lease.id, wrong) }
            _ = try await worker.client.submit(lease.id, inline(worker, lease, right))
            return right[0].root
        } then: { running, root in
            let answer = try await harness.http.send(HTTPRequest(.get, running.base, path: "/blobs/\(root.hex)"))
            #expect(answer.status == 200)
            let found = unsafe answer.body.withUnsafeBytes { raw in unsafe TensorRoot.root(of: raw) }
            #expect(found == root)
            #expect(try await running.client(key).hasBlob(root))
            let leaves = try await harness.http.send(HTTPRequest(.get, running.base, path: "/blobs/\(root.hex)/leaves")).json()
            #expect(leaves["leaves"]?.arrayValue?.count == 1)
        }
        _ = root
    }

    @Test func aJobThatAWorkerDidNotFinishGoesToAnotherFirst() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            _ = try await buy(1, running, by: .generate())
            let first = try await running.worker()
            let lease = try await first.lease()
            try await first.client.fail(lease.id, LeaseFailure(fence: lease.fence, reason: .workerFault, detail: ""))
            let second = try await running.worker()
            running.clock.advance(2_000)
            #expect(try await first.client.lease(max: 1, waitSeconds: 0).isEmpty, "there is another one")
            let elsewhere = try await second.lease()
            #expect(elsewhere.jobID == lease.jobID)
            try await second.client.fail(elsewhere.id, LeaseFailure(fence: elsewhere.fence, reason: .workerFault, detail: ""))
            running.clock.advance(4_000)
            let third = try await first.lease()
            try await first.client.fail(third.id, LeaseFailure(fence: third.fence, reason: .workerFault, detail: ""))
            running.clock.advance(8_000)
            #expect(try await first.client.lease(max: 1, waitSeconds: 0).isEmpty)
            running.clock.advance(30_000)
            _ = try await first.lease()
        }
    }
}

extension CoordinatorHarness {
    /// Runs a coordinator, stops it, and runs it again on what it has stored.
    func runTwice<Value: Sendable>(
        _ first: (CoordinatorUnderTest) async throws -> Value, then second: (CoordinatorUnderTest, Value) async throws -> Void
    ) async throws -> Value {
        var made: Value?
        try await run { running in made = try await first(running) }
        let value = try #require(made)
        // Signed requests of the second in which the second one starts are refused.
        clock.advance(2_000)
        try await run { running in try await second(running, value) }
        return value
    }
}
