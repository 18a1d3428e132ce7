import Signing
import Wire

/// Signed requests: nothing traps the verifier, and it accepts only what one of our keys signed, to the letter.
///
/// Input: eight lines (method, authority, path, query, Signature-Input, Signature, Adit-Key, Content-Digest; an empty one is absent), then the body.
enum FuzzRequest {
    static let now: Int64 = 1_800_000_000

    /// What was signed: five requests by two keys.
    private static let signed: [(text: String, meaning: String)] = makeSigned()

    static func run(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        let lines = bytes.split(separator: 0x0A, maxSplits: 8, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        guard lines.count == 9 else { return }
        let body = Array(bytes.split(separator: 0x0A, maxSplits: 8, omittingEmptySubsequences: false)[8])
        let headers = ["signature-input": lines[4], "signature": lines[5], "adit-key": lines[6], "content-digest": lines[7]].filter { !$0.value.isEmpty }
        let request = SignedRequest(method: lines[0], authority: lines[1], path: lines[2], query: lines[3])
        for binding in [BodyBinding.none, .bytes(body), .boundByPath] {
            let verified = accepted { () throws(Problem) in
                try HTTPSignature.verify(request, body: binding, header: { headers[$0] }, serverStart: now - 100, now: now, knownKey: { _ in nil })
            }
            guard let verified else { continue }
            let claimed = meaning(request, binding, verified.address.text, verified.nonce, verified.created, verified.expires)
            try demand(signed.contains { $0.meaning == claimed }, "accepted what nobody signed: \(claimed)")
        }
    }

    /// With or without a body that the signature covers, by path, and what the verifier gives back.
    private static func meaning(
        _ request: SignedRequest, _ body: BodyBinding, _ address: String, _ nonce: String, _ created: Int64, _ expires: Int64
    ) -> String {
        let hash =
            switch body {
            case .bytes(let bytes): SHA256.hash(bytes).hex
            case .none, .boundByPath: "-"
            }
        return [request.method, request.authority, request.path, request.query, hash, address, nonce, String(created), String(expires)].joined(separator: "\n")
    }

    private static func makeSigned() -> [(text: String, meaning: String)] {
        var all: [(text: String, meaning: String)] = []
        let requests: [(SignedRequest, BodyBinding, [UInt8])] = [
            (SignedRequest(method: "POST", authority: "127.0.0.1:8090", path: "/tasks", query: ""), .bytes(Array("{}".utf8)), Array("{}".utf8)),
            (SignedRequest(method: "GET", authority: "127.0.0.1:8090", path: "/tasks", query: "status=pending"), .none, []),
            (SignedRequest(method: "PUT", authority: "a:1", path: "/blobs/00", query: ""), .boundByPath, []),
            (SignedRequest(method: "POST", authority: "a:1", path: "/leases", query: "x=%20"), .bytes([0, 10, 255]), [0, 10, 255]),
            (SignedRequest(method: "DELETE", authority: "a:1", path: "/tasks/job_1", query: ""), .none, []),
        ]
        for (index, entry) in requests.enumerated() {
            let (request, binding, body) = entry
            guard let key = try? PrivateKey(seed: [UInt8](repeating: UInt8(1 + index % 2), count: 32)) else { continue }
            let nonce = String(repeating: "0\(index)", count: 16)
            let headers = HTTPSignature.headers(for: request, body: binding, key: key, now: now, nonce: nonce)
            func header(_ name: String) -> String { headers.first { $0.name == name }?.value ?? "" }
            let lines = [
                request.method, request.authority, request.path, request.query, header("Signature-Input"), header("Signature"), header("Adit-Key"),
                header("Content-Digest"), String(decoding: body, as: UTF8.self),
            ]
            all.append((lines.joined(separator: "\n"), meaning(request, binding, key.address.text, nonce, now, now + HTTPSignature.maxLifetime)))
        }
        return all
    }

    static var seeds: [(name: String, bytes: [UInt8])] {
        signed.enumerated().map { ("signed-\($0.offset)", Array($0.element.text.utf8)) }
    }
}
