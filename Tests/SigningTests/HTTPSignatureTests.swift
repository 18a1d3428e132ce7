import Signing
import Testing
import Wire

@Suite struct HTTPSignatureTests {
    let key: PrivateKey
    let request = SignedRequest(method: "POST", authority: "127.0.0.1:8090", path: "/tasks", query: "a=1")
    let body = Array("{\"type\":\"gemm\"}".utf8)
    let nonce = String(repeating: "0a", count: 16)
    let now: Int64 = 1_800_000_000

    init() throws { key = try PrivateKey(seed: [UInt8](repeating: 9, count: 32)) }

    func signed(_ binding: BodyBinding? = nil) -> [String: String] {
        let headers = HTTPSignature.headers(for: request, body: binding ?? .bytes(body), key: key, now: now, nonce: nonce)
        return Dictionary(uniqueKeysWithValues: headers.map { ($0.name.lowercased(), $0.value) })
    }

    func verify(
        _ headers: [String: String], request: SignedRequest? = nil, body: BodyBinding? = nil, start: Int64 = 0, now: Int64? = nil, known: PublicKey? = nil
    ) throws(Problem) -> VerifiedRequest {
        try HTTPSignature.verify(
            request ?? self.request, body: body ?? .bytes(self.body), header: { headers[$0] }, serverStart: start, now: now ?? self.now,
            knownKey: { _ in known })
    }

    @Test func holdsAndSaysWho() throws {
        let verified = try verify(signed())
        #expect(verified.address == key.address)
        #expect(verified.key == key.publicKey)
        #expect(verified.nonce == nonce)
        #expect(verified.expires == now + 60)
        #expect(try verify(signed(.boundByPath), body: .boundByPath).address == key.address)
        #expect(try verify(signed(BodyBinding.none), body: BodyBinding.none).address == key.address)
    }

    @Test func everyPartIsCovered() throws {
        let headers = signed()
        let altered = [
            SignedRequest(method: "PUT", authority: "127.0.0.1:8090", path: "/tasks", query: "a=1"),
            SignedRequest(method: "POST", authority: "127.0.0.1:8091", path: "/tasks", query: "a=1"),
            SignedRequest(method: "POST", authority: "127.0.0.1:8090", path: "/task", query: "a=1"),
            SignedRequest(method: "POST", authority: "127.0.0.1:8090", path: "/tasks", query: ""),
        ]
        for request in altered { #expect(throws: Problem.self) { try verify(headers, request: request) } }
        #expect(throws: Problem.self) { try verify(headers, body: .bytes(Array("{}".utf8))) }
        #expect(throws: Problem.self) { try verify(headers, body: BodyBinding.none) }
        // A signature without the body can't be used with one.
        #expect(throws: Problem.self) { try verify(signed(BodyBinding.none)) }
        for (old, new) in [("created=1800000000", "created=1800000001"), ("expires=1800000060", "expires=1800000059"), ("0a0a", "0a0b"), ("ed25519", "rsa")] {
            var changed = headers
            changed["signature-input"] = headers["signature-input"]?.replacing(old, with: new)
            #expect(changed != headers)
            #expect(throws: Problem.self) { try verify(changed) }
        }
    }

    @Test func livesShortly() throws {
        #expect(try verify(signed(), now: now + 29).nonce == nonce)
        for late in [now + 31, now - 31] {
            do { _ = try verify(signed(), now: late) } catch { #expect(error.code == .requestExpired) }
            #expect(throws: Problem.self) { try verify(signed(), now: late) }
        }
        #expect(throws: Problem.self) { try verify(signed(), start: now + 1) }
    }

    @Test func keysMustFit() throws {
        let other = try PrivateKey(seed: [UInt8](repeating: 8, count: 32))
        var headers = signed()
        headers["adit-key"] = other.publicKey.hex
        #expect(throws: Problem.self) { try verify(headers) }
        headers["adit-key"] = nil
        #expect(throws: Problem.self) { try verify(headers) }
        #expect(try verify(headers, known: key.publicKey).address == key.address)
    }

    @Test func malformedHeadersAreRefused() throws {
        let good = signed()
        let input = try #require(good["signature-input"])
        let signature = try #require(good["signature"])
        let inputs = [
            nil, "", "adit", "adit=1", "adit=()", input + ", b=" + input.dropFirst(5), input.replacing("adit=", with: "other="),
            input.replacing("\"@path\" ", with: ""),
            input.replacing("\"@path\"", with: "\"@path\" \"@path\""), input.replacing("\"@path\"", with: "\"@path\";req"), input + ";extra=1",
            String(repeating: "x", count: 5000), input.replacing(nonce, with: "short"), input.replacing(key.address.text, with: "ait1q"),
        ]
        for bad in inputs {
            var headers = good
            headers["signature-input"] = bad
            #expect(throws: Problem.self, "\(bad ?? "none")") { try verify(headers) }
        }
        for bad in [nil, "", "adit=:AAAA:", "adit=1", signature + ", b=:AAAA:", "adit=:" + String(repeating: "!", count: 88) + ":"] {
            var headers = good
            headers["signature"] = bad
            #expect(throws: Problem.self) { try verify(headers) }
        }
    }
}
