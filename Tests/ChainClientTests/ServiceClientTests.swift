import ChainClient
import Foundation
import Jobs
import Ledger
import Signing
import Synchronization
import Testing
import Wire

@Suite("Node and coordinator clients") struct ServiceClientTests {
    private static let address = (try? PrivateKey(seed: Array(repeating: 7, count: 32)))?.address

    @Test("A node's answers, with members that aren't known yet") func node() async throws {
        let hash = SHA256.hash(utf8: "h").hex
        let server = try TinyServer { request in
            switch request.target {
            case "/rpc/getHead": .answer(200, body: Array("{\"height\":7,\"hash\":\"\(hash)\",\"new\":[1.5]}".utf8))
            case let path where path.hasPrefix("/rpc/getBalance/"): .answer(200, body: Array(#"{"balance":5,"nonce":2,"staked":0,"extra":null}"#.utf8))
            case let path where path.hasPrefix("/rpc/getTx/"):
                .answer(200, body: Array(#"{"status":"failed","height":9,"tx":{},"error":"escrow_closed"}"#.utf8))
            case "/rpc/getEscrow/job_00000000000000000000000000000000": .answer(404, body: Array(#"{"code":"unknown_escrow"}"#.utf8))
            case "/rpc/health": .answer(503, body: Array(#"{"code":"syncing","detail":"the head is 99 s old"}"#.utf8))
            default: .answer(200, body: Array("{}".utf8))
            }
        }
        defer { server.stop() }
        let node = NodeClient(try BaseURL(server.url), http: try HTTPClient())
        #expect(try await node.getHead().height == 7)
        let account = try await node.getBalance(try #require(Self.address))
        #expect([account.balance, account.nonce, account.staked] == [5, 2, 0])
        let state = try #require(try await node.getTx(.zero))
        #expect(state.status == .failed)
        #expect(state.height == 9)
        #expect(state.error?.code == .escrowClosed)
        #expect(try await node.getEscrow(JobID("job_00000000000000000000000000000000")) == nil)
        let unhealthy = await #expect(throws: Problem.self) { try await node.health() }
        #expect(unhealthy?.code == .syncing)
        // What lacks a member is the node's fault.
        let bad = await #expect(throws: Problem.self) { try await node.getBlock(height: 1) }
        #expect(bad?.code == .badAnswer)
    }

    @Test("Every request to a coordinator is signed, each with its own nonce") func signed() async throws {
        let key = try PrivateKey(seed: Array(repeating: 7, count: 32))
        let seen = Mutex<[ReceivedRequest]>([])
        let server = try TinyServer { request in
            seen.withLock { $0.append(request) }
            return request.target == "/leases" ? .answer(200, body: Array(#"{"leases":[]}"#.utf8)) : .answer(200, body: Array("{}".utf8))
        }
        defer { server.stop() }
        let coordinator = CoordinatorClient(try BaseURL(server.url), key: key, http: try HTTPClient(), now: { 1_700_000_000 })
        #expect(try await coordinator.lease(max: 1, waitSeconds: 0).isEmpty)
        _ = try? await coordinator.tasks(stage: .running, after: "5")
        try await coordinator.putBlob(TensorRoot.root(of: [1, 2, 3]), BytesSource([1, 2, 3]))
        let requests = seen.withLock { $0 }
        #expect(requests.map(\.method) == ["POST", "GET", "PUT"])
        #expect(requests[1].target == "/tasks?status=running&after=5")
        for request in requests {
            let input = try #require(request.headers["signature-input"])
            #expect(input.contains("\"@method\" \"@authority\" \"@path\" \"@query\""))
            #expect(input.contains("created=1700000000"))
            #expect(input.contains("keyid=\"\(key.address)\""))
            #expect(request.headers["adit-key"] == key.publicKey.hex)
            #expect(request.headers["host"] == "127.0.0.1:\(server.port)")
        }
        #expect(Set(requests.compactMap { $0.headers["signature"] }).count == 3)
        #expect(requests[0].headers["content-digest"] == HTTPSignature.contentDigest(requests[0].body))
        // A blob is bound by the root in its path.
        #expect(requests[2].headers["content-digest"] == nil)
    }

    @Test("A blob is taken only if it is its root's", arguments: ["good", "altered", "short", "long", "truncated", "missing"]) func blobs(kind: String)
        async throws
    {
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let root = TensorRoot.root(of: bytes)
        let server = try TinyServer { _ in
            switch kind {
            case "good": .answer(200, body: bytes)
            case "altered": .answer(200, body: bytes.dropLast() + [bytes[bytes.count - 1] ^ 1])
            case "short": .answer(200, body: Array(bytes.dropLast()))
            case "long": .answer(200, body: bytes + [0])
            case "truncated": .raw(Array("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n".utf8) + bytes.prefix(1_000))
            default: .answer(404, body: Array(#"{"code":"unknown_blob"}"#.utf8))
            }
        }
        defer { server.stop() }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("adit-blobs-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent(root.hex).path
        let coordinator = CoordinatorClient(try BaseURL(server.url), key: try PrivateKey.generate(), http: try HTTPClient())
        if kind == "good" {
            try await coordinator.downloadBlob(root, byteCount: bytes.count, to: path)
            #expect(FileManager.default.contents(atPath: path) == Data(bytes))
            #expect(try await coordinator.blob(root, byteCount: bytes.count) == bytes)
        } else {
            let problem = await #expect(throws: Problem.self) { try await coordinator.downloadBlob(root, byteCount: bytes.count, to: path) }
            let expected: Problem.Code = kind == "missing" ? .unknownBlob : kind == "truncated" ? .transportFailed : .blobMismatch
            #expect(problem?.code == expected)
        }
        // Nothing half is left behind.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == (kind == "good" ? [root.hex] : []))
    }

    @Test("Leaves are taken only if they are the root's") func leaves() async throws {
        let bytes = [UInt8](repeating: 3, count: 150_000)
        let hashes = unsafe bytes.withUnsafeBytes { raw in unsafe TensorRoot.leafHashes(of: raw) }
        let server = try TinyServer { _ in .answer(200, body: Array("{\"leaves\":[\(hashes.map { "\"\($0.hex)\"" }.joined(separator: ","))]}".utf8)) }
        defer { server.stop() }
        let coordinator = CoordinatorClient(try BaseURL(server.url), key: try PrivateKey.generate(), http: try HTTPClient())
        #expect(try await coordinator.blobLeaves(TensorRoot.root(of: bytes), byteCount: bytes.count) == hashes)
        let problem = await #expect(throws: Problem.self) { try await coordinator.blobLeaves(.zero, byteCount: bytes.count) }
        #expect(problem?.code == .blobMismatch)
    }
}
