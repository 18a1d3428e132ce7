import ChainClient
import Coordinator
import Jobs
import Ledger
import Signing
import Synchronization
import Testing
import Wire

@Suite("Coordinator: signed requests")
struct CoordinatorSignatureTests {
    private func headers(
        _ running: CoordinatorUnderTest, _ key: PrivateKey, method: String = "GET", path: String = "/tasks", query: String = "", body: BodyBinding = .none,
        authority: String? = nil, offset: Int64 = 0
    ) -> [(name: String, value: String)] {
        HTTPSignature.headers(
            for: SignedRequest(method: method, authority: authority ?? running.base.authority, path: path, query: query), body: body, key: key,
            now: running.clock.nowMilliseconds / 1000 + offset, nonce: SecureRandom.hex(bytes: 16))
    }

    private func send(
        _ running: CoordinatorUnderTest, _ headers: [(name: String, value: String)], _ method: HTTPMethod = .get, _ path: String = "/tasks", query: String = "",
        body: [UInt8]? = nil
    ) async throws {
        _ = try await running.harness.http.send(
            HTTPRequest(method, running.base, path: path, query: query, headers: headers, body: body.map { BytesSource($0) })
        ).checked()
    }

    @Test func badSignaturesAreRefused() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let good = headers(running, key)
            try await send(running, good)
            await expectRefusal(.replayedNonce) { try await send(running, good) }
            await expectRefusal(.unauthorized) { try await send(running, []) }
            // Signed for another path, method, query or server.
            await expectRefusal(.badSignature) { try await send(running, headers(running, key, path: "/task")) }
            await expectRefusal(.badSignature) { try await send(running, headers(running, key, method: "DELETE")) }
            await expectRefusal(.badSignature) { try await send(running, headers(running, key), query: "?status=failed") }
            await expectRefusal(.badSignature) { try await send(running, headers(running, key, authority: "elsewhere:80")) }
            await expectRefusal(.unauthorized) {
                try await send(running, headers(running, key, authority: "elsewhere:80") + [("Host", "elsewhere:80")])
            }
            // Too old, too new, before the start.
            await expectRefusal(.requestExpired) { try await send(running, headers(running, key, offset: 31)) }
            await expectRefusal(.requestExpired) { try await send(running, headers(running, key, offset: -1)) }
            running.clock.advance(100_000)
            await expectRefusal(.requestExpired) { try await send(running, headers(running, key, offset: -31)) }
            await expectRefusal(.requestExpired) { try await send(running, good) }
            // Another key than the address's, or a key never seen and not sent.
            let other = try PrivateKey.generate()
            let swapped = headers(running, key).map { $0.name == "Adit-Key" ? ($0.name, other.publicKey.hex) : $0 }
            await expectRefusal(.unauthorized) { try await send(running, swapped) }
            await expectRefusal(.unauthorized) { try await send(running, headers(running, other).filter { $0.name != "Adit-Key" }) }
            // A key that was seen need not be sent again.
            try await send(running, headers(running, key).filter { $0.name != "Adit-Key" })
        }
    }

    /// A client's clock may run ahead of the coordinator's, whose start then tells nothing about the request's age.
    @Test func aRestartDoesNotForgetNoncesFromAhead() async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        let name = "coordinator.test:80"
        let request = Mutex<[(name: String, value: String)]>([])
        try await harness.run(configure: { $0.authorities = [name] }) { running in
            let ahead = headers(running, key, authority: name, offset: 20) + [("Host", name)]
            try await send(running, ahead)
            request.withLock { $0 = ahead }
        }
        harness.clock.advance(5000)
        try await harness.run(configure: { $0.authorities = [name] }) { running in
            let ahead = request.withLock { $0 }
            await expectRefusal(.replayedNonce) { try await send(running, ahead) }
            try await send(running, headers(running, key, authority: name, offset: 20) + [("Host", name)])
        }
    }

    @Test func bodiesAreBoundToTheirSignature() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let body = Array("{}".utf8)
            func signed(_ binding: BodyBinding) -> [(name: String, value: String)] { headers(running, key, method: "POST", body: binding) }
            await expectRefusal(.badDigest) { try await send(running, signed(.bytes(Array("[]".utf8))), .post, body: body) }
            await expectRefusal(.unauthorized) { try await send(running, signed(.none), .post, body: body) }
            await expectRefusal(.badDigest) { try await send(running, signed(.bytes(body)).filter { $0.name != "Content-Digest" }, .post, body: body) }
            await expectRefusal(.missingField) { try await send(running, signed(.bytes(body)), .post, body: body) }
        }
    }

    @Test(arguments: [
        ("GET", "/tasks"), ("POST", "/tasks"), ("GET", "/tasks/job_1"), ("GET", "/tasks/job_1/result"), ("DELETE", "/tasks/job_1"), ("POST", "/workers"),
        ("POST", "/workers/ait1x/drain"), ("POST", "/leases"), ("POST", "/leases/x/heartbeat"), ("POST", "/leases/x/fail"), ("POST", "/leases/x/result"),
        ("PUT", "/blobs/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ]) func everyRouteButThePublicOnesNeedsASignature(_ method: String, _ path: String) async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let verb = try #require(HTTPMethod(rawValue: method))
            await expectRefusal(.unauthorized) { try await send(running, [], verb, path, body: verb == .get ? nil : Array("{}".utf8)) }
        }
    }

    @Test func thePublicRoutesAnswerAnybody() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let state = try await running.client(try .generate()).networkState()
            #expect(state.chain == harness.chainID && state.coordinator == harness.key.publicKey && state.workerCount == 0)
            for path in ["/health", "/network/state", "/metrics"] { try await send(running, [], .get, path) }
            await expectRefusal(.notFound) { try await send(running, [], .get, "/nothing") }
            await expectRefusal(.methodNotAllowed) { try await send(running, [], .delete, "/health") }
        }
    }
}
