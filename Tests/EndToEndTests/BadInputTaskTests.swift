import ChainClient
import Foundation
import Jobs
import Kernels
import Ledger
import Signing
import Testing
import Wire

@Suite("Bad input: tasks and tensors, at a real coordinator") struct BadInputTaskTests {
    private static func post(_ world: MinerWorld, _ body: [UInt8]) async throws -> HTTPResponse {
        try await sendSigned(world.http, world.coordinatorURL, world.client, .post, "/tasks", body, now: Int64(Date().timeIntervalSince1970))
    }

    @Test("Tasks that say something wrong open no job; the right one is sold afterwards") func tasks() async throws {
        try await MinerWorld.run { world in
            let work = try SampleWork()
            for tensor in work.inputs { try await world.coordinator.putBlob(tensor.root, BytesSource(tensor.buffer.bytes)) }
            let mark = try await world.mark()
            #expect(mark.jobs.isEmpty)
            let task = TaskRequest(spec: work.spec, client: world.client.address).json
            let text = task.canonicalString
            let (a, b) = (work.spec.inputs[0].json, work.spec.inputs[1].json)
            func data(_ inputs: [JSON], _ params: JSON = [:]) -> JSON { task.replacing("data", ["inputs": .array(inputs), "params": params]) }
            func random(_ name: String, _ dtype: String, _ shape: [Int64]) -> JSON {
                ["name": .string(name), "random": ["seed": .string(Digest.zero.hex), "dtype": .string(dtype), "shape": .array(shape.map { .integer($0) })]]
            }
            let most = Int64(Int32.max)
            let cases: [(Problem.Code, JSON)] = [
                (.unknownField, task.replacing("tip", 1)), (.unknownField, data([a.replacing("tip", 1), b])), (.unknownField, data([a, b], ["speed": 9])),
                (.unknownField, task.replacing("data", ["inputs": [a, b], "params": [:], "x": 1])), (.unknownField, task.replacing("requirements", ["gpu": 1])),
                (.wrongType, data([a, b], [])), (.wrongType, task.replacing("data", 7)), (.wrongType, data([7, b])), (.wrongType, task.replacing("type", 7)),
                (.wrongType, data([a, b], ["transpose_a": 1])), (.missingField, task.replacing("client", nil)), (.missingField, data([a])),
                (.badAddress, task.replacing("client", "ait1x")), (.forbidden, task.replacing("client", .string(world.miner.address.text))),
                (.unknownKernel, task.replacing("type", "teleport")), (.unsupportedDtype, data([a.replacing("dtype", "F8"), b])),
                (.unsupportedDtype, data([random("a", "I64", [40, 70]), random("b", "I64", [70, 30])])),
                (.badHex, data([a.replacing("root", "xyz"), b])), (.unknownBlob, data([a.replacing("root", .string(Digest.zero.hex)), b])),
                // A shape that lies: about its blob, and about what can be multiplied.
                (.shapeMismatch, data([a.replacing("shape", [41, 70]), b])), (.shapeMismatch, data([a.replacing("shape", [70, 40]), b])),
                (.shapeMismatch, data([a.replacing("shape", [2800]), b])), (.outOfRange, data([a.replacing("shape", [2_147_483_648, 0]), b])),
                // Larger than any memory: the inputs; the output of inputs that are small; a size beyond 64 bits.
                (.memoryLimit, data([random("a", "F32", [1 << 20, 1 << 17]), random("b", "F32", [1 << 17, 1])])),
                (.memoryLimit, data([random("a", "F32", [1 << 20, 1]), random("b", "F32", [1, 1 << 20])])),
                (.memoryLimit, data([random("a", "I8", [1 << 30, 0]), random("b", "I8", [0, 1 << 30])])),
                (.outOfRange, data([random("a", "F64", [most, most]), random("b", "F64", [most, most])])),
                (.outOfRange, data([random("a", "F64", [most, most, most]), b])),
                (.tooLong, data([random("a", "I8", [1, 131_072]), random("b", "I8", [131_072, 1])])),
            ]
            for (code, json) in cases { try expectProblem(try await Self.post(world, json.canonicalBytes), code, json.canonicalString) }
            let texts: [(Problem.Code, String)] = [
                (.badJSON, "{\"type\":"), (.badJSON, "\u{feff}" + text), (.duplicateKey, #"{"type":"gemm","type":"gemm"}"#), (.wrongType, "[]"),
                (.notAnInteger, text.replacing("[40,70]", with: "[40.5,70]")), (.notAnInteger, text.replacing("[40,70]", with: "[-40,70]")),
                (.notAnInteger, text.replacing("[40,70]", with: "[4e1,70]")), (.wrongType, text.replacing("[40,70]", with: "{}")),
                (.payloadTooLarge, String(repeating: " ", count: 300_000)),
            ]
            for (code, body) in texts { try expectProblem(try await Self.post(world, Array(body.utf8)), code, String(body.prefix(99))) }
            let endless = HTTPRequest(.post, world.coordinatorURL, path: "/tasks", body: DeclaredLength(byteCount: 1 << 40))
            try expectProblem(try await world.http.send(endless), .payloadTooLarge)
            try await world.expectUnchanged(since: mark)

            // Sent once, a signed task is sold once.
            let request = signedRequest(
                world.coordinatorURL, world.client, .post, "/tasks", task.canonicalBytes, now: Int64(Date().timeIntervalSince1970))
            #expect(try await world.http.send(request).status == 200)
            try expectProblem(try await world.http.send(request), .replayedNonce)
            #expect(try await world.mark().jobs == ["quoted": 1])
        }
    }

    @Test("Requests with a signature that isn't theirs do nothing") func signatures() async throws {
        try await MinerWorld.run { world in
            let work = try SampleWork()
            let quote = try await world.quote(work)
            let mark = try await world.mark()
            let now = Int64(Date().timeIntervalSince1970)
            let body = TaskRequest(spec: work.spec, client: world.client.address).json.canonicalBytes
            let foreign = try PrivateKey.generate()
            func send(_ change: (inout HTTPRequest) -> Void) async throws -> HTTPResponse {
                var request = signedRequest(world.coordinatorURL, world.client, .post, "/tasks", body, now: now)
                change(&request)
                return try await world.http.send(request)
            }
            func setting(_ name: String, _ value: String) -> (inout HTTPRequest) -> Void {
                { request in request.headers = request.headers.map { $0.name == name ? ($0.name, value) : $0 } }
            }
            try expectProblem(try await send { $0.headers = [] }, .unauthorized, "unsigned")
            try expectProblem(try await send { $0.body = BytesSource(body + [0x20]) }, .badDigest, "another body")
            try expectProblem(try await send { $0.path = "/workers" }, .badSignature, "another path")
            try expectProblem(try await send { $0.query = "?x=1" }, .badSignature, "another query")
            try expectProblem(try await send(setting("Adit-Key", foreign.publicKey.hex)), .unauthorized, "another key")
            let signature = "adit=:\(Data(repeating: 0, count: 64).base64EncodedString()):"
            try expectProblem(try await send { $0.headers.removeAll { $0.name == "Signature-Input" } }, .unauthorized, "no input")
            let label = signedRequest(world.coordinatorURL, world.client, .post, "/tasks", body, now: now).headers.first { $0.name == "Signature" }?.value
            let name = try #require(label?.split(separator: "=").first)
            try expectProblem(try await send(setting("Signature", "\(name)" + signature.dropFirst(4))), .badSignature, "zeros")
            for age in [-31, 31] as [Int64] {
                let old = signedRequest(world.coordinatorURL, world.client, .post, "/tasks", body, now: now + 2 * age)
                try expectProblem(try await world.http.send(old), .requestExpired, "\(age)")
            }
            // Somebody else's job is nobody's.
            let path = "/tasks/\(quote.jobID.text)"
            let cancel = HTTPSignature.headers(
                for: SignedRequest(method: "DELETE", authority: world.coordinatorURL.authority, path: path, query: ""), body: .none, key: foreign, now: now,
                nonce: SecureRandom.hex(bytes: 16))
            try expectProblem(try await world.http.send(HTTPRequest(.delete, world.coordinatorURL, path: path, headers: cancel)), .unknownJob)
            try await world.expectUnchanged(since: mark)
        }
    }

    @Test("A tensor file whose header lies is refused before a byte is sent, and believed by nobody when it isn't") func lyingTensorFile() async throws {
        try await MinerWorld.run { world in
            let work = try SampleWork()
            let tensor = work.inputs[0]
            let writer = try SafetensorsWriter([tensor.descriptor])
            let header = String(decoding: writer.header.dropFirst(8), as: UTF8.self)
            func file(_ text: String) -> [UInt8] {
                let length = UInt64(text.utf8.count)
                return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(text.utf8) + tensor.buffer.bytes
            }
            let good = file(header)
            #expect(try SafetensorsHeader.parse(prefix: good, fileSize: good.count).entries.count == 1)
            for (old, new) in [
                ("[40,70]", "[80,70]"), ("[40,70]", "[2147483647,2147483647]"), ("[0,2800]", "[0,2801]"), ("[0,2800]", "[1,2800]"), ("I8", "F64"),
            ] {
                let lie = file(header.replacing(old, with: new))
                #expect(lie != good)
                #expect { try SafetensorsHeader.parse(prefix: lie, fileSize: lie.count) } throws: { ($0 as? Problem)?.code == .badTensorFile }
            }
            // A client that believes its file's header all the same.
            for tensor in work.inputs { try await world.coordinator.putBlob(tensor.root, BytesSource(tensor.buffer.bytes)) }
            let mark = try await world.mark()
            for (dtype, shape) in [(DType.i8, [80, 70]), (.i8, [39, 70]), (.f64, [40, 70])] {
                let believed = InputSpec(try TensorDescriptor(name: "a", dtype: dtype, shape: shape), .blob(tensor.root))
                let b = InputSpec(try TensorDescriptor(name: "b", dtype: dtype, shape: [70, 30]), .random(seed: .zero))
                let spec = try JobSpec(type: "gemm", params: [:], inputs: [believed, b])
                await expectRefusal(.shapeMismatch) { _ = try await world.coordinator.postTask(TaskRequest(spec: spec, client: world.client.address)) }
            }
            // Bytes that aren't their address's.
            for wrong in [Array(tensor.buffer.bytes.dropLast()), tensor.buffer.bytes + [0], tensor.buffer.bytes.map { $0 ^ 1 }, []] {
                let root = SHA256.hash(utf8: "\(wrong.count)")
                await expectRefusal(.blobMismatch) { try await world.coordinator.putBlob(root, BytesSource(wrong)) }
                #expect(try await !world.coordinator.hasBlob(root))
            }
            await expectRefusal(.payloadTooLarge) { try await world.coordinator.putBlob(.zero, DeclaredLength(byteCount: 1 << 40)) }
            try await world.expectUnchanged(since: mark)
            _ = try await world.quote(work)
        }
    }
}
