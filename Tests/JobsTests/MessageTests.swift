import Jobs
import Kernels
import Ledger
import Signing
import Testing
import Wire

@Suite("Messages read back what they write")
struct MessageTests {
    /// Through bytes, as on the wire.
    private func wire(_ json: JSON) throws -> JSON { try JSON.parse(json.canonicalBytes, reals: true) }

    @Test func everyMessageReadsBack() throws {
        let lease = try Samples.lease()
        let result = try Samples.result()
        let miner = try Samples.key(3)
        #expect(try JobSpec(json: wire(lease.spec.json)) == lease.spec)
        #expect(try Lease(json: wire(lease.json)) == lease)
        #expect(try LeaseAnswer(json: wire(LeaseAnswer(leases: [lease, lease]).json)).leases == [lease, lease])
        #expect(try LeaseResult(json: wire(result.json)) == result)
        let bytes = [UInt8]("tensor".utf8)
        let small = InlineTensor(root: unsafe bytes.withUnsafeBytes { raw in unsafe TensorRoot.root(of: raw) }, bytes: bytes)
        let submission = ResultSubmission(result, tensors: [small], next: 3)
        #expect(try ResultSubmission(json: wire(submission.json)) == submission)
        #expect(try ResultSubmission(json: wire(result.json)) == ResultSubmission(result), "what older workers send")
        let task = TaskRequest(spec: lease.spec, client: miner.address)
        #expect(try TaskRequest(json: wire(task.json)) == task)
        let registration = WorkerRegistration(publicKey: miner.publicKey, payout: try Samples.key(4).address, tier: .aggregator, profile: Samples.profile())
        #expect(try WorkerRegistration(json: wire(registration.json)) == registration)
        #expect(try LeaseRequest(json: wire(LeaseRequest(max: 2, waitSeconds: 30).json)) == LeaseRequest(max: 2, waitSeconds: 30))
        let picky = LeaseRequest(max: 1, waitSeconds: 0, wishes: WorkWishes(kernels: ["gemm", "reduce"], dtypes: [.f32, .i8], minPricePerUnit: 3))
        #expect(try LeaseRequest(json: wire(picky.json)) == picky)
        let obstacles = [NoWork.Obstacle(.tierTooLow, jobs: 4, detail: "tier feedback"), NoWork.Obstacle(.jobsHeld, jobs: 1)]
        let none = NoWork(waiting: 9, looked: 5, obstacles: obstacles)
        #expect(try LeaseAnswer(json: wire(LeaseAnswer(leases: [], noWork: none).json)) == LeaseAnswer(leases: [], noWork: none))
        // A later version's reason is left out, and what is left is never empty.
        let later: JSON = ["waiting": 2, "looked": 2, "reasons": [["code": "moon_too_full", "jobs": 2, "detail": "\u{1b}[31m"]]]
        #expect(try NoWork(json: wire(later)).obstacles == [NoWork.Obstacle(.noFittingJob, jobs: 2)])
        let beat = Heartbeat(fence: 7, progress: 0.125)
        #expect(try Heartbeat(json: wire(beat.json)) == beat)
        let failure = LeaseFailure(fence: 7, reason: .outOfMemory, detail: "8 GiB")
        #expect(try LeaseFailure(json: wire(failure.json)) == failure)
        let record = VerificationRecord(
            report: ["verification": ["class": "bits"]], challenge: .zero, checkMicroseconds: 2, computeMicroseconds: 4, worker: miner.address,
            device: "cpu", attempts: 1)
        #expect(record.className == "bits")
        #expect(record.shareOfCompute == 0.5)
        let claim = try claim(lease, result)
        #expect(try LeaseResultAnswer(json: wire(LeaseResultAnswer(claim: claim, verification: record).json)).claim == claim)
        let answer = ResultAnswer(LeaseResultAnswer(claim: claim, verification: record), leases: [lease])
        #expect(try ResultAnswer(json: wire(answer.json)) == answer)
        #expect(try ResultAnswer(json: wire(answer.result.json)).leases.isEmpty)
        let done = TaskResult(taskID: lease.jobID, spec: lease.spec, output: result.output, receipt: claim, verification: record, claimHeight: 9)
        #expect(try TaskResult(json: wire(done.json)) == done)
        let state = NetworkState(
            chain: lease.chain, coordinator: miner.publicKey, height: 3, pricePerUnit: 2, maxBlobBytes: 5,
            workers: [.feedback: 0, .inference: 1, .aggregator: 0, .trainer: 2],
            draining: 1, utilization: 0.5, f32FlopsPerSecond: 7, jobs: ["queued": 3])
        #expect(try NetworkState(json: wire(state.json)) == state)
        #expect(state.workerCount == 3)
        let demand = NetworkDemand(
            sinceMilliseconds: 5, untilMilliseconds: 9, kernels: ["gemm": NetworkDemand.Sum(jobs: 1, units: 2, paid: 3), "reduce": NetworkDemand.Sum(jobs: 1)],
            hourlyUnits: [0, 2])
        #expect(demand.total == NetworkDemand.Sum(jobs: 2, units: 2, paid: 3))
        #expect(try NetworkDemand(json: wire(demand.json)) == demand)
    }

    private func claim(_ lease: Lease, _ result: LeaseResult) throws -> ReceiptClaim {
        let terms = try lease.terms(miner: try Samples.key(3).address, outputHash: result.output.hash)
        let coordinator = try Samples.key(1)
        return ReceiptClaim(
            terms: terms, payment: lease.payment, minerKey: result.receipt.minerKey, minerSignature: result.receipt.minerSignature,
            coordinatorKey: coordinator.publicKey, coordinatorSignature: coordinator.sign(terms.attestDigest(on: lease.chain, payment: lease.payment)))
    }

    @Test func absentParametersAndRequirementsAreEmptyInTheSpec() throws {
        let request = try TaskRequest(json: TaskRequest(spec: try Samples.spec(), client: try Samples.key(2).address).json.with("requirements", nil))
        #expect(request.spec.json["requirements"] == [:])
        #expect(request.spec.json["params"] == [:])
    }

    @Test func aLeaseWhoseQuoteIsForAnotherSpecIsRefused() throws {
        let lease = try Samples.lease()
        let other = try JobSpec(type: "gemm", params: ["transpose_a": true], inputs: lease.spec.inputs)
        #expect(code { _ = try Lease(json: lease.json.with("spec", other.json)) } == .escrowMismatch)
        let quote = try #require(lease.json["quote"])
        #expect(code { _ = try Lease(json: lease.json.with("quote", quote.with("price", 1))) } == .badSignature)
        #expect(code { _ = try Lease(json: lease.json.with("chainId", "another")) } == .badSignature)
    }

    @Test func aReceiptMustSayExactlyWhatTheLeaseSays() throws {
        let lease = try Samples.lease()
        let result = try Samples.result()
        let expected = try lease.terms(miner: try Samples.key(3).address, outputHash: result.output.hash)
        try result.receipt.check(against: expected, on: lease.chain)
        let stranger = try Samples.key(9)
        let changes: [(String, JSON, Problem.Code)] = [
            ("compute_units", 101, .unitsMismatch), ("price", 701, .priceMismatch), ("payout_addr", .string(stranger.address.text), .wrongMiner),
            ("miner_addr", .string(stranger.address.text), .wrongMiner), ("miner_pubkey", .string(stranger.publicKey.hex), .wrongMiner),
            ("client_addr", .string(stranger.address.text), .escrowMismatch), ("part", 1, .escrowMismatch),
            ("nonce", .string(String(repeating: "0d", count: 16)), .escrowMismatch), ("output_hash", .string("sha256:" + Digest.zero.hex), .outputMismatch),
            ("receipt_id", .string("rcpt_" + String(repeating: "0", count: 32)), .wrongReceiptID),
            ("miner_sig", .string(stranger.sign(Digest.zero).hex), .badSignature),
        ]
        for (member, value, expectedCode) in changes {
            let changed = try SignedReceipt(json: result.receipt.json.with(member, value))
            #expect(code { try changed.check(against: expected, on: lease.chain) } == expectedCode, "\(member)")
        }
        #expect(code { try result.receipt.check(against: expected, on: try ChainID("another")) } == .badSignature)
    }

    @Test func outputsMustBeWhatTheSpecGives() throws {
        let spec = try Samples.spec()
        let kernel = try spec.kernel()
        let output = try Samples.output(spec)
        try output.check(spec: spec, kernel: kernel)
        let tensor = try #require(output.outputs.first)
        let wrong = [
            OutputMetadata(specHash: .zero, kernel: "gemm", arithmetic: output.arithmetic, outputs: output.outputs),
            OutputMetadata(specHash: spec.hash, kernel: "conv2d", arithmetic: output.arithmetic, outputs: output.outputs),
            OutputMetadata(specHash: spec.hash, kernel: "gemm", arithmetic: .f32, outputs: output.outputs),
            OutputMetadata(specHash: spec.hash, kernel: "gemm", arithmetic: output.arithmetic, outputs: []),
            OutputMetadata(specHash: spec.hash, kernel: "gemm", arithmetic: output.arithmetic, outputs: [tensor, tensor]),
            OutputMetadata(
                specHash: spec.hash, kernel: "gemm", arithmetic: output.arithmetic,
                outputs: [OutputTensor(try TensorDescriptor(name: "c", dtype: .f32, shape: [2, 4]), root: tensor.root)]),
        ]
        for changed in wrong { #expect(code { try changed.check(spec: spec, kernel: kernel) } == .outputMismatch) }
    }

    @Test func workersAreMeasuredAgainstRequirements() throws {
        let worker = WorkerRegistration(
            publicKey: try Samples.key(3).publicKey, payout: try Samples.key(3).address, tier: .inference, profile: Samples.profile())
        #expect(worker.meets(.none, bytes: 1 << 30))
        #expect(!worker.meets(.none, bytes: (1 << 30) + 1))
        #expect(worker.meets(Requirements(minTier: .inference, device: "cpu"), bytes: 0))
        #expect(!worker.meets(Requirements(minTier: .aggregator), bytes: 0))
        #expect(!worker.meets(Requirements(device: "opencl"), bytes: 0))
        #expect(worker.meets(Requirements(memoryMB: 1024), bytes: 0))
        #expect(!worker.meets(Requirements(memoryMB: 1025), bytes: 0))
    }
}
