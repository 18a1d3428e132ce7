import ChainClient
import Coordinator
import Jobs
import Kernels
import Ledger
import Signing
import Testing
import Wire

@Suite("Coordinator: what clients may not do")
struct CoordinatorRefusalTests {
    @Test func specsThatCannotBeSoldAreRefused() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.limits.jobBytes = 1 << 20 }) { running in
            let key = try PrivateKey.generate()
            let client = running.client(key)
            let work = try SampleWork()
            try await running.upload(work, client)
            func post(_ spec: JobSpec) async throws { _ = try await client.postTask(TaskRequest(spec: spec, client: key.address)) }
            func spec(_ a: InputSpec, _ b: InputSpec, _ params: JSON = [:], type: String = "gemm") throws -> JobSpec {
                try JobSpec(type: type, params: params, inputs: [a, b])
            }
            let (a, b) = (work.spec.inputs[0], work.spec.inputs[1])
            let transposed = try TensorDescriptor(name: "a", dtype: .i8, shape: [70, 40])
            let longer = try TensorDescriptor(name: "a", dtype: .i8, shape: [41, 70])
            await expectRefusal(.unknownKernel) { try await post(try spec(a, b, type: "teleport")) }
            await expectRefusal(.unknownField) { try await post(try spec(a, b, ["speed": 9])) }
            await expectRefusal(.shapeMismatch) { try await post(try spec(InputSpec(transposed, a.source), b)) }
            // A shape that lies about its blob.
            await expectRefusal(.shapeMismatch) { try await post(try spec(InputSpec(longer, a.source), b)) }
            await expectRefusal(.unknownBlob) { try await post(try spec(InputSpec(a.descriptor, .blob(.zero)), b)) }
            let huge = try TensorDescriptor(name: "a", dtype: .i8, shape: [1 << 20, 70])
            await expectRefusal(.memoryLimit) { try await post(try spec(InputSpec(huge, .random(seed: .zero)), b)) }
            // Nothing to pay for.
            let (none, empty) = (try TensorDescriptor(name: "a", dtype: .i8, shape: [4, 0]), try TensorDescriptor(name: "b", dtype: .i8, shape: [0, 4]))
            await expectRefusal(.shapeMismatch) { try await post(try spec(InputSpec(none, .random(seed: .zero)), InputSpec(empty, .random(seed: .zero)))) }
            // Beyond any 64-bit size.
            let absurd: JSON = [
                "name": "a", "random": ["seed": .string(Digest.zero.hex), "dtype": "F64", "shape": [2_147_483_647, 2_147_483_647, 2_147_483_647]],
            ]
            let json = TaskRequest(spec: work.spec, client: key.address).json
            await expectRefusal(.outOfRange) {
                _ = try await signed(running, key, .post, "/tasks", json.replacing("data", ["inputs": [absurd, b.json], "params": [:]]))
            }
            #expect(try await client.tasks().tasks.isEmpty)
        }
    }

    @Test func outputsThatNoBlobHoldsAreRefused() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.limits.blobBytes = 4000 }) { running in
            let key = try PrivateKey.generate()
            func sell(_ n: Int) async throws { _ = try await running.buy(try SampleWork(m: 30, k: 4, n: n), by: key, paid: false) }
            await expectRefusal(.memoryLimit) { try await sell(34) }
            try await sell(33)
        }
    }

    @Test func thePricePaysForTheClaim() async throws {
        let harness = try CoordinatorHarness()
        await harness.chain.charge(base: 30, perByte: 2)
        try await harness.run { running in
            let answer = try await running.buy(try SampleWork(), by: try .generate())
            #expect(answer.quote.price == 30 + 2 * 2048)
            let worker = try await running.worker()
            let lease = try await worker.lease()
            let signed = try await worker.client.submitResult(lease.id, try await worker.result(lease, try SampleWork().outputs()))
            #expect(Payload.receiptClaim(signed.claim).json.canonicalBytes.count < 2048)
        }
    }

    @Test func nonFiniteInputsAreRefused() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let client = running.client(key)
            for bits: UInt32 in [0x7fc0_0000, 0x7f80_0000, 0xff80_0000] {
                let descriptor = try TensorDescriptor(name: "a", dtype: .f32, shape: [4, 4])
                var bytes = [UInt8](repeating: 0, count: 64)
                for index in 0..<4 { bytes[8 + index] = UInt8(truncatingIfNeeded: bits >> UInt32(8 * index)) }
                let a = try Tensor(descriptor, try TensorBuffer(bytes))
                try await client.putBlob(a.root, BytesSource(bytes))
                let b = InputSpec(try TensorDescriptor(name: "b", dtype: .f32, shape: [4, 4]), .random(seed: .zero))
                let spec = try JobSpec(type: "gemm", params: [:], inputs: [InputSpec(descriptor, .blob(a.root)), b])
                await expectRefusal(.nonFiniteInput) { _ = try await client.postTask(TaskRequest(spec: spec, client: key.address)) }
            }
        }
    }

    @Test func whatNoWorkerCouldDoIsRefusedAtOnce() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let client = running.client(key)
            // With no worker there, the job may wait for one.
            _ = try await running.buy(try SampleWork(requirements: Requirements(minTier: .trainer)), by: key, paid: false)
            _ = try await running.worker(memoryBytes: 20_000)
            func post(_ work: SampleWork) async throws { _ = try await client.postTask(TaskRequest(spec: work.spec, client: key.address)) }
            await expectRefusal(.noCapableWorker) { try await post(try SampleWork(requirements: Requirements(minTier: .trainer))) }
            await expectRefusal(.noCapableWorker) { try await post(try SampleWork(requirements: Requirements(device: "opencl"))) }
            let large = try SampleWork(m: 100, k: 100, n: 100)
            try await running.upload(large, client)
            await expectRefusal(.memoryLimit) { try await post(large) }
        }
    }

    @Test func bodiesAreStrictAndBounded() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let work = try SampleWork()
            try await running.upload(work, running.client(key))
            let task = TaskRequest(spec: work.spec, client: key.address).json
            func post(_ body: [UInt8]) async throws { _ = try await signed(running, key, .post, "/tasks", body) }
            let cases: [(Problem.Code, [UInt8])] = [
                (.badJSON, Array("{\"type\":".utf8)), (.badJSON, []), (.badJSON, Array("\u{feff}{}".utf8)), (.badJSON, [0x22, 0xff, 0x22]),
                (.duplicateKey, Array("{\"type\":\"gemm\",\"type\":\"gemm\"}".utf8)), (.wrongType, Array("[]".utf8)),
                (.unknownField, task.replacing("tip", 1).canonicalBytes), (.missingField, task.replacing("data", nil).canonicalBytes),
                (.wrongType, task.replacing("client", 7).canonicalBytes), (.badAddress, task.replacing("client", "ait1x").canonicalBytes),
                (.notAnInteger, Array(task.canonicalString.replacing("[40,70]", with: "[40.5,70]").utf8)),
                (.payloadTooLarge, [UInt8](repeating: 32, count: 300_000)),
            ]
            for (code, body) in cases { await expectRefusal(code, "\(body.count) bytes") { try await post(body) } }
            // Someone else's name.
            let other = try PrivateKey.generate().address
            await expectRefusal(.forbidden) { _ = try await running.client(key).postTask(TaskRequest(spec: work.spec, client: other)) }
            _ = try await running.client(key).postTask(TaskRequest(spec: work.spec, client: key.address))
        }
    }

    @Test func aJobAnswersItsClientAlone() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let answer = try await running.buy(try SampleWork(), by: try .generate())
            let stranger = running.client(try .generate())
            await expectRefusal(.unknownJob) { _ = try await stranger.task(answer.taskID) }
            await expectRefusal(.unknownJob) { _ = try await stranger.taskResult(answer.taskID) }
            await expectRefusal(.unknownJob) { _ = try await stranger.cancelTask(answer.taskID) }
            #expect(try await stranger.tasks().tasks.isEmpty)
        }
    }

    @Test func oneIdempotencyKeyGivesOneJob() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let client = running.client(key)
            let work = try SampleWork()
            try await running.upload(work, client)
            let task = TaskRequest(spec: work.spec, client: key.address)
            let first = try await client.postTask(task, idempotencyKey: "k1")
            #expect(try await client.postTask(task, idempotencyKey: "k1") == first)
            #expect(try await client.postTask(task, idempotencyKey: "k2").taskID != first.taskID)
            let other = TaskRequest(spec: try SampleWork(requirements: Requirements(cpu: 50)).spec, client: key.address)
            await expectRefusal(.idempotencyConflict) { _ = try await client.postTask(other, idempotencyKey: "k1") }
            // Another client's key of the same name is another key.
            let second = try PrivateKey.generate()
            let theirs = try await running.client(second).postTask(TaskRequest(spec: work.spec, client: second.address), idempotencyKey: "k1")
            #expect(theirs.taskID != first.taskID)
        }
    }

    @Test func aLeaseMayNotOutlastItsEscrow() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.limits.leaseBaseMilliseconds = 50_000_000 }) { running in
            await expectRefusal(.tooLong) { _ = try await running.buy(try SampleWork(), by: try .generate(), paid: false) }
        }
    }

    @Test func unpaidQuotesAreBounded() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: { $0.limits.unpaidJobsPerClient = 2 }) { running in
            let key = try PrivateKey.generate()
            for seed in ["1", "2"] { _ = try await running.buy(try SampleWork(seed: seed), by: key, paid: false) }
            await expectRefusal(.quotaExceeded) { _ = try await running.buy(try SampleWork(seed: "3"), by: key, paid: false) }
            _ = try await running.buy(try SampleWork(seed: "3"), by: try .generate(), paid: false)
        }
    }
}

/// Sends a signed request with a body of the test's choice.
func signed(_ running: CoordinatorUnderTest, _ key: PrivateKey, _ method: HTTPMethod, _ path: String, _ body: [UInt8]) async throws -> HTTPResponse {
    let request = SignedRequest(method: method.rawValue, authority: running.base.authority, path: path, query: "")
    let headers = HTTPSignature.headers(
        for: request, body: body.isEmpty ? .none : .bytes(body), key: key, now: running.clock.nowMilliseconds / 1000, nonce: SecureRandom.hex(bytes: 16))
    return try await running.harness.http.send(HTTPRequest(method, running.base, path: path, headers: headers, body: BytesSource(body))).checked()
}

func signed(_ running: CoordinatorUnderTest, _ key: PrivateKey, _ method: HTTPMethod, _ path: String, _ body: JSON) async throws -> HTTPResponse {
    try await signed(running, key, method, path, body.canonicalBytes)
}

extension JSON {
    /// The same object with one member set, or taken away.
    func replacing(_ key: String, _ value: JSON?) -> JSON {
        var members = objectValue?.members.filter { $0.key != key }.map { ($0.key, $0.value) } ?? []
        if let value { members.append((key, value)) }
        return .object(JSONObject(distinct: members))
    }
}
