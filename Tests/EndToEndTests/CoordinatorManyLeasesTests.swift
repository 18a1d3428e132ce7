import ChainClient
import Coordinator
import Foundation
import Jobs
import Kernels
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
