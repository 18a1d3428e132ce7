import Jobs
import Kernels
import Ledger
import Signing
import Wire

/// What clients and workers send a coordinator, and what it sends a worker: read, written and read again it is the same.
///
/// The first byte chooses the message; the rest is its JSON.
enum FuzzMessage {
    static func run(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        guard let first = bytes.first, let json = accepted({ () throws(Problem) in try JSON.parse(Array(bytes.dropFirst()), reals: true) }) else { return }
        switch first {
        case UInt8(ascii: "R"): try same(json, strict: true, LeaseRequest.init(json:), \.json)
        case UInt8(ascii: "L"): try same(json, strict: false, Lease.init(json:), \.json)
        case UInt8(ascii: "A"): try same(json, strict: true, LeaseResult.init(json:), \.json)
        case UInt8(ascii: "B"): try batch(json)
        case UInt8(ascii: "I"): try inline(json)
        case UInt8(ascii: "F"): try same(json, strict: false, LeaseFailure.init(json:), \.json)
        case UInt8(ascii: "H"): try same(json, strict: false, Heartbeat.init(json:), \.json)
        case UInt8(ascii: "T"): try same(json, strict: false, TaskRequest.init(json:), \.json)
        case UInt8(ascii: "W"): try same(json, strict: true, WorkerRegistration.init(json:), \.json)
        case UInt8(ascii: "S"): try spec(json)
        case UInt8(ascii: "Q"): try same(json, strict: true, { (json: JSON) throws(Problem) in try Quote(json) }, \.json)
        case UInt8(ascii: "N"): try leases(json)
        case UInt8(ascii: "P"): try report(json)
        case UInt8(ascii: "D"): try same(json, strict: false, NetworkState.init(json:), \.json)
        default: break
        }
    }

    /// - Parameter strict: every member is kept, so that the document itself comes back.
    private static func same<Message: Equatable>(
        _ json: JSON, strict: Bool, _ read: (JSON) throws(Problem) -> Message, _ write: (Message) -> JSON
    ) throws(FuzzTarget.Broken) {
        guard let message = accepted({ () throws(Problem) in try read(json) }) else { return }
        let written = write(message)
        let again = accepted { () throws(Problem) in try read(try JSON.parse(written.canonicalBytes, reals: true)) }
        // Shares are written in thousandths, so a message may change once; what was written may not.
        try demand(again.map { write($0) } == written, "\(Message.self) is written otherwise the second time")
        if strict { try demand(again == message && written == json, "\(Message.self) is written otherwise than it was read") }
    }

    private static func batch(_ json: JSON) throws(FuzzTarget.Broken) {
        try same(json, strict: false, ResultBatch.init(json:), \.json)
        guard let batch = accepted({ () throws(Problem) in try ResultBatch(json: json) }) else { return }
        try demand(batch.items.count <= ResultBatch.most, "more results than one message may hold")
        for item in batch.items {
            try demand(item.submission.tensors.reduce(0) { $0 + $1.bytes.count } <= InlineTensor.maxBytes, "more bytes than may come inline")
            for tensor in item.submission.tensors {
                try demand(TensorRoot.root(of: tensor.bytes) == tensor.root, "bytes that are not their root's")
            }
        }
    }

    /// The one task that nobody signs.
    private static func inline(_ json: JSON) throws(FuzzTarget.Broken) {
        guard let task = accepted({ () throws(Problem) in try InlineTask(json: json) }) else { return }
        try demand(task.input.count <= InlineTask.maxElements && task.input.allSatisfy(\.isFinite), "an input that no tensor is made of")
        guard let job = accepted({ () throws(Problem) in try task.spec(root: TensorRoot.root(of: task.bytes)) }) else { return }
        try spec(job.json)
        guard let kernel = accepted({ () throws(Problem) in try job.kernel() }) else { return }
        try demand(kernel.inputs.map(\.byteCount) == [task.bytes.count], "the input has another size than its bytes")
    }

    private static func spec(_ json: JSON) throws(FuzzTarget.Broken) {
        guard let spec = accepted({ () throws(Problem) in try JobSpec(json: json) }) else { return }
        try demand(spec.json == json, "a spec is written otherwise than it was read")
        guard let kernel = accepted({ () throws(Problem) in try spec.kernel() }) else { return }
        for tensor in kernel.inputs + kernel.outputs { try demand(tensor.byteCount >= 0, "a tensor of negative size") }
        try demand(kernel.operations >= 0, "negative work")
    }

    /// What a worker is answered to its call: leases, a challenge, or why there is nothing.
    private static func leases(_ json: JSON) throws(FuzzTarget.Broken) {
        let read = { (json: JSON) throws(Problem) in try LeaseAnswer(json: json, worker: .treasury) }
        try same(json, strict: false, read, \.json)
        guard let answer = accepted({ () throws(Problem) in try read(json) }) else { return }
        if let challenge = answer.challenge {
            let kernel = accepted { () throws(Problem) in try challenge.spec().kernel() }
            try demand(kernel?.arithmetic == .f32Panel256, "a challenge that asks for no product")
            try demand(kernel?.outputs.map(\.byteCount) == [4 * challenge.size.m * challenge.size.n], "C has another size")
        }
        for obstacle in answer.noWork?.obstacles ?? [] { try demand(isPlain(obstacle.detail), "a terminal would take it for more than text") }
    }

    /// What a worker is told of itself, and what the coordinator reads from its own store: however large the figures are, they can be gone on with.
    private static func report(_ json: JSON) throws(FuzzTarget.Broken) {
        try same(json, strict: false, WorkerReport.init(json:)) { .members($0.members) }
        guard let report = accepted({ () throws(Problem) in try WorkerReport(json: json) }) else { return }
        try demand(isPlain(report.placement.detail), "a terminal would take it for more than text")
        let rules = ChallengeRules()
        for now in [0, report.view.workAt, JSON.maxInteger] {
            var view = report.view
            view.worked(units: JSON.maxInteger, elapsed: 1, now: now, rules)
            view.challenged(.late, rate: JSON.maxInteger, isEnough: false, now: now, jitter: 1, rules)
            try demand(view.provenRate(now: now, rules) >= 0 && view.workUnits <= JSON.maxInteger, "a rate or work out of range")
        }
    }

    private static func isPlain(_ text: String?) -> Bool { (text ?? "").utf8.allSatisfy { (32..<127).contains($0) } }

    static func seeds() throws(Problem) -> [(name: String, bytes: [UInt8])] {
        let a = try TensorDescriptor(name: "a", dtype: .f32, shape: [4, 3])
        let b = try TensorDescriptor(name: "b", dtype: .f32, shape: [3, 2])
        let spec = try JobSpec(
            type: "gemm", params: ["transpose_b": false],
            inputs: [InputSpec(a, .blob(SHA256.hash(utf8: "a"))), InputSpec(b, .random(seed: SHA256.hash(utf8: "b")))],
            requirements: Requirements(minTier: .inference, cpu: 50, memoryMB: 16, device: "cpu"))
        let chain = try ChainID("ait-fuzz")
        let client = try PrivateKey(seed: [UInt8](repeating: 1, count: 32))
        let miner = try PrivateKey(seed: [UInt8](repeating: 2, count: 32))
        let coordinator = try PrivateKey(seed: [UInt8](repeating: 3, count: 32))
        let quote = try Quote.signed(
            by: coordinator, chain: chain, client: client.address, specHash: spec.hash, salt: Salt(String(repeating: "ab", count: 16)), computeUnits: 1,
            price: 50, expiresHeight: 9)
        let lease = Lease(
            id: "lease_1", fence: 1, nonce: try Nonce16(String(repeating: "0c", count: 16)), chain: chain, spec: spec, quote: quote, part: 0,
            payout: miner.address, payment: SHA256.hash(utf8: "p"), deadlineMilliseconds: 5000, nowMilliseconds: 1000, heartbeatMilliseconds: 250)
        let kernel = try spec.kernel()
        let output = OutputMetadata(
            specHash: spec.hash, kernel: spec.type, arithmetic: kernel.arithmetic, outputs: kernel.outputs.map { OutputTensor($0, root: .zero) })
        let receipt = SignedReceipt(signing: try lease.terms(miner: miner.address, outputHash: output.hash), with: miner, on: chain)
        let result = LeaseResult(
            fence: 1, output: output, receipt: receipt, timing: WorkTiming(computeMicroseconds: 5, inputMicroseconds: 6, outputMicroseconds: 7), device: "cpu")
        let small: [UInt8] = [1, 2, 3]
        let batch = ResultBatch([
            ResultBatch.Item("lease_1", ResultSubmission(result, tensors: [InlineTensor(root: TensorRoot.root(of: small), bytes: small)], next: 4)),
            ResultBatch.Item("lease_2", ResultSubmission(result)),
        ])
        let inline: JSON = ["type": "compute", "data": ["input": [1, 2, .real(0.5)], "operations": ["square", "sum"]]]
        let profile = WorkerProfile(
            cpuModel: "AMD EPYC", cores: 2, isa: ["avx2"], memoryBytes: 1 << 30, devices: [WorkerDevice(kind: "cpu", name: "x", memoryBytes: 1 << 30)],
            f32FlopsPerSecond: 1, memoryBytesPerSecond: 1, blasCore: "Haswell", softwareVersion: "0.1.0")
        let worker = WorkerRegistration(publicKey: miner.publicKey, payout: client.address, tier: .trainer, profile: profile)
        let wishes = WorkWishes(kernels: ["gemm", "compute"], dtypes: [.f32, .i8], minPricePerUnit: 40)
        let challenge = CapabilityChallenge(
            worker: .treasury, nonce: lease.nonce, size: ChallengeRules().large, issuedMilliseconds: 1000, deadlineMilliseconds: 6091)
        let obstacles = [NoWork.Obstacle(.tierTooLow, jobs: 4, detail: "tier inference"), NoWork.Obstacle(.kernelNotAllowed, jobs: 1)]
        let placement = TierPlacement(tier: .aggregator, claimed: .trainer, provenRate: 42_000_000_000, detail: "42 of 100 GFLOP/s shown")
        var view = WorkerView()
        view.challenged(.passed, rate: 42_000_000_000, isEnough: false, now: 1000, jitter: 0.5, ChallengeRules())
        view.worked(units: 600_000, elapsed: 6000, now: 2000, ChallengeRules())
        let none = NoWork(waiting: 5, looked: 5, obstacles: obstacles)
        let report = WorkerReport(standing: WorkerStanding(), placement: placement, view: view, draining: false, leases: 2, noWork: none)
        let sum = NetworkDemand.Sum(jobs: 2, units: 88_123, paid: 616_861)
        let state = NetworkState(
            chain: chain, coordinator: coordinator.publicKey, height: 9, pricePerUnit: 50, maxBlobBytes: 1 << 33, workers: [.trainer: 1, .feedback: 2],
            draining: 1, utilization: 0.5, f32FlopsPerSecond: 400_000_000_000, jobs: ["queued": 3], burnBps: 500,
            demand: NetworkDemand(sinceMilliseconds: 0, untilMilliseconds: 5000, kernels: ["gemm": sum], hourlyUnits: [0, 88_123]), claimed: [.trainer: 3])
        let messages: [(String, String, JSON)] = [
            ("R", "lease-request", LeaseRequest(max: 4, waitSeconds: 30).json), ("R", "wishes", LeaseRequest(max: 4, waitSeconds: 30, wishes: wishes).json),
            ("N", "challenge", LeaseAnswer(leases: [], challenge: challenge).json), ("P", "report", .members(report.members)),
            ("N", "no-work", LeaseAnswer(leases: [], noWork: none).json), ("D", "network", state.json),
            ("L", "lease", lease.json), ("A", "lease-result", result.json),
            ("B", "results", batch.json), ("I", "inline-task", inline),
            ("F", "lease-failure", LeaseFailure(fence: 1, reason: .deviceFailed, detail: "x").json),
            ("H", "heartbeat", Heartbeat(fence: 1, progress: 0.5).json),
            ("T", "task", TaskRequest(spec: spec, client: client.address).json), ("W", "worker", worker.json), ("S", "spec", spec.json),
            ("Q", "quote", quote.json),
        ]
        return messages.map { (name: $0.1, bytes: Array($0.0.utf8) + $0.2.canonicalBytes) }
    }
}
