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

@Suite("Coordinator: tasks that a sponsor pays for")
struct CoordinatorSponsorTests {
    private let sponsor: PrivateKey
    private static let plain = #"{"type":"compute","data":{"input":[1,2,3,4,5],"operations":["square","sum"]}}"#

    init() throws { sponsor = try .generate() }

    private func sponsored(perHour: Int64 = 1_000_000, inAll: Int64 = 1_000_000) -> (inout CoordinatorConfiguration) -> Void {
        { [sponsor] in $0.sponsor = Sponsor(key: sponsor, perHour: perHour, inAll: inAll) }
    }

    /// A request as plain curl makes it.
    private func curl(_ running: CoordinatorUnderTest, _ method: HTTPMethod, _ path: String, _ body: String? = nil, key: String? = nil) async throws -> JSON {
        let headers = [("Content-Type", "application/json")] + (key.map { [("Idempotency-Key", $0)] } ?? [])
        let request = HTTPRequest(method, running.base, path: path, headers: headers, body: body.map { BytesSource(Array($0.utf8)) })
        return try await running.harness.http.send(request).checked().json()
    }

    private func post(_ running: CoordinatorUnderTest, _ body: String = plain) async throws -> String {
        try #require(try await curl(running, .post, "/tasks", body)["taskId"]?.stringValue)
    }

    private func untilPaid(_ running: CoordinatorUnderTest, _ task: String) async throws {
        try await running.until("paid") {
            await running.chain.mine()
            running.clock.advance(1000)
            return try await self.curl(running, .get, "/tasks/\(task)")["phase"] == "queued"
        }
    }

    /// A worker computes the one task that there is.
    private func work(_ running: CoordinatorUnderTest) async throws -> JobID {
        let worker = try await running.worker()
        let lease = try await worker.lease()
        var inputs: [Tensor] = []
        for input in lease.spec.inputs {
            let bytes = try await worker.client.blob(try #require(input.root), byteCount: input.descriptor.byteCount)
            inputs.append(try Tensor(input.descriptor, try TensorBuffer(bytes)))
        }
        let outputs = try lease.spec.kernel().reference(inputs)
        _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, outputs))
        return lease.jobID
    }

    @Test func plainCurlGetsItsAnswer() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: sponsored()) { running in
            let task = try await self.post(running)
            #expect(task.hasPrefix("task_"))
            #expect(try await self.curl(running, .get, "/tasks/\(task)")["status"] == "pending")
            await expectRefusal(.notReady) { _ = try await self.curl(running, .get, "/tasks/\(task)/result") }
            try await self.untilPaid(running, task)
            let job = try await self.work(running)
            let result = try await self.curl(running, .get, "/tasks/\(task)/result")
            #expect(result["result"] == 55)
            #expect(result["taskId"] == .string(task) && result["jobId"] == .string(job.text))
            #expect(result["receipt"] != nil && result["verification"] != nil)
            // The chain shows the job's id to everybody; only the ticket opens it.
            await expectRefusal(.unauthorized) { _ = try await self.curl(running, .get, "/tasks/\(job)") }
            await expectRefusal(.unauthorized) { _ = try await self.curl(running, .get, "/tasks/\(job)/result") }
            await expectRefusal(.unknownJob) { _ = try await self.curl(running, .get, "/tasks/task_\(String(repeating: "0", count: 32))") }
            await expectRefusal(.unauthorized) { _ = try await self.curl(running, .delete, "/tasks/\(task)") }
            await expectRefusal(.unauthorized) { _ = try await self.curl(running, .get, "/tasks") }
        }
    }

    private static let values: [(String, String, JSON)] = [
        (#"[-1.5, 2]"#, #"["square"]"#, JSON.array([.real(2.25), 4])), (#"[]"#, #"["sum"]"#, 0),
        (#"[4, 1, 9]"#, #"["sqrt", "negate"]"#, .array([.real(-2), .real(-1), .real(-3)])),
        (#"[0]"#, #"["reciprocal"]"#, .array(["Infinity"])),
        // Operations with numbers: 4, 1, 0, 1, 4, of which the first and last become 3.
        (#"[1, 2]"#, #"[{"op": "add", "value": 2.5}]"#, .array([.real(3.5), .real(4.5)])),
        (#"[1, 2, 3, 4, 5]"#, #"[{"op": "add", "value": -3}, {"op": "pow", "value": 2}, {"op": "clamp", "lo": 0, "hi": 3}, "sum"]"#, 8),
        (#"[-2, 4]"#, #"[{"op": "leaky_relu", "value": 0.25}, {"op": "div", "value": "1e1"}]"#, .array([.real(-0.05), .real(0.4)])),
        (#"[3, 8]"#, #"[{"op": "sub", "with": "x"}, "exp"]"#, .array([1, 1])),
    ]

    @Test(arguments: values) func valuesAreJSON(_ input: String, _ operations: String, _ expected: JSON) async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: sponsored()) { running in
            let body = #"{"type":"compute","data":{"input":\#(input),"operations":\#(operations)}}"#
            do {
                let task = try await self.post(running, body)
                try await self.untilPaid(running, task)
                _ = try await self.work(running)
                #expect(try await self.curl(running, .get, "/tasks/\(task)/result")["result"] == expected)
            } catch let problem as Problem where input == "[]" {
                // Nothing to compute is nothing to pay for.
                #expect(problem.code == .shapeMismatch)
            }
        }
    }

    @Test func capsAreKept() async throws {
        let harness = try CoordinatorHarness()
        // A task of one unit costs 2 units of 7 base units.
        try await harness.run(configure: sponsored(perHour: 30, inAll: 50)) { running in
            for _ in 0..<2 { _ = try await self.post(running) }
            await expectRefusal(.sponsorExhausted) { _ = try await self.post(running) }
            running.clock.advance(3_600_001)
            _ = try await self.post(running)
            await expectRefusal(.sponsorExhausted) { _ = try await self.post(running) }
            running.clock.advance(3_600_001)
            await expectRefusal(.sponsorExhausted) { _ = try await self.post(running) }
        }
        try await harness.run(configure: sponsored(perHour: 30, inAll: 50)) { running in
            await expectRefusal(.sponsorExhausted, "caps outlive a restart") { _ = try await self.post(running) }
        }
    }

    @Test func whatIsWrongIsRefused() async throws {
        let harness = try CoordinatorHarness()
        let many = "[" + Array(repeating: "1", count: InlineTask.maxElements + 1).joined(separator: ",") + "]"
        func compute(_ input: String, _ operations: String, _ more: String = "") -> String {
            #"{"type":"compute","data":{"input":\#(input),"operations":\#(operations)\#(more)}}"#
        }
        let bad: [(String, Problem.Code)] = [
            ("", .badJSON), ("[1]", .wrongType), (#"{"type":"compute"}"#, .missingField),
            (#"{"type":"gemm","data":{"input":[1],"operations":[]}}"#, .unauthorized),
            (#"{"type":"compute","data":{"input":[1],"operations":["square"]},"client":"x"}"#, .unknownField),
            (compute("[1]", #"["square"]"#, #","more":1"#), .unknownField), (compute(#"["1"]"#, #"["square"]"#), .wrongType),
            (compute("[1]", #"["cube"]"#), .badParams), (compute("[1]", "[1]"), .wrongType), (compute("[1]", "[]"), .badParams),
            (compute(many, #"["sum"]"#), .outOfRange), (compute("[1]", #"[{"op": "cube"}]"#), .badParams), (compute("[1]", #"["add"]"#), .missingField),
            (compute("[1]", #"[{"op": "add", "value": true}]"#), .wrongType), (compute("[1]", #"[{"op": "add", "value": "two"}]"#), .wrongType),
            (compute("[1]", #"[{"op": "add", "value": 1e999}]"#), .outOfRange), (compute("[1]", #"[{"op": "add", "with": "other"}]"#), .missingField),
            (compute("[1]", #"[{"op": "square", "value": 2}]"#), .unknownField), (compute("[1]", #"[{"op": "pow", "value": 0.5}]"#), .outOfRange),
            (compute("[1]", #"[{"op": "clamp", "lo": 2, "hi": 1}]"#), .badParams),
        ]
        try await harness.run(configure: sponsored()) { running in
            for (body, code) in bad { await expectRefusal(code, "\(body.prefix(80))") { _ = try await self.post(running, body) } }
            await expectRefusal(.unauthorized) { _ = try await self.curl(running, .post, "/tasks", Self.plain, key: "k") }
            let big = Self.plain.dropLast() + String(repeating: " ", count: 300 << 10) + "}"
            await expectRefusal(.payloadTooLarge) { _ = try await self.post(running, String(big)) }
            // Nothing was kept or paid for.
            #expect(await running.chain.handedIn == 0)
        }
        try await harness.run { running in await expectRefusal(.unauthorized, "no sponsor") { _ = try await self.post(running) } }
    }

    /// The payment is on the disk before the answer: the chain may be away and the coordinator killed in between.
    @Test func thePaymentSurvivesAndIsMadeOnce() async throws {
        let harness = try CoordinatorHarness()
        let task = Mutex("")
        try await harness.run(configure: sponsored()) { running in
            await running.chain.lose(answers: true)
            let name = try await self.post(running)
            task.withLock { $0 = name }
            try await running.until("handed in") { await running.chain.handedIn > 0 }
        }
        await harness.chain.forgetPending()
        await harness.chain.lose(answers: false)
        try await harness.run(configure: sponsored()) { running in
            try await self.untilPaid(running, task.withLock { $0 })
            _ = try await self.work(running)
        }
    }

    @Test func aSponsorWithoutMoneyLetsTheQuoteExpire() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run(configure: sponsored(perHour: 20, inAll: 20)) { running in
            await running.chain.refuse(.insufficientBalance)
            let task = try await self.post(running)
            try await running.until("tried") { await running.chain.handedIn > 0 }
            await expectRefusal(.sponsorExhausted) { _ = try await self.post(running) }
            await running.chain.advance(to: 1000)
            try await running.until("expired") {
                running.clock.advance(700_000)
                return try await self.curl(running, .get, "/tasks/\(task)")["reason"] == "quote_expired"
            }
            // What was not paid is there for others.
            await running.chain.refuse(nil)
            try await running.until("free") {
                running.clock.advance(700_000)
                return (try? await self.post(running)) != nil
            }
        }
    }
}
