private import Foundation
import Wire

/// HTTP Message Signatures (RFC 9421) as PROTOCOL section 10 narrows them: one signature, ed25519, a short life, a nonce.
package enum HTTPSignature {
    static let label = "adit"
    static let tag = "adit-v1"
    /// The longest life of a signature, in seconds.
    package static let maxLifetime: Int64 = 60
    /// How far `created` may lie from the server's clock, in seconds.
    package static let maxSkew: Int64 = 30

    /// `Content-Digest` of a body (RFC 9530).
    package static func contentDigest(_ body: [UInt8]) -> String {
        "sha-256=:" + Data(SHA256.hash(body).bytes).base64EncodedString() + ":"
    }

    static func components(_ body: BodyBinding) -> [String] {
        let always = ["@method", "@authority", "@path", "@query"]
        if case .bytes = body { return always + ["content-digest"] }
        return always
    }

    /// The headers that make `request` a signed one: `Signature-Input`, `Signature`, `Adit-Key` and, with a body, `Content-Digest`.
    /// - Parameters:
    ///   - now: unix seconds.
    ///   - nonce: 32 hex digits, never used before.
    package static func headers(for request: SignedRequest, body: BodyBinding, key: PrivateKey, now: Int64, nonce: String) -> [(name: String, value: String)] {
        let covered = components(body)
        let list = covered.map { "\"\($0)\"" }.joined(separator: " ")
        let parameters =
            "(\(list));created=\(now);expires=\(now + maxLifetime);nonce=\"\(nonce)\";keyid=\"\(key.address)\";alg=\"ed25519\";tag=\"\(tag)\""
        var headers: [(name: String, value: String)] = []
        var digest: String?
        if case .bytes(let bytes) = body {
            let value = contentDigest(bytes)
            digest = value
            headers.append(("Content-Digest", value))
        }
        let base = request.base(components: covered, parameters: parameters, contentDigest: digest) ?? []
        let signature = Data(key.sign(message: base).bytes).base64EncodedString()
        headers.append(("Signature-Input", "\(label)=\(parameters)"))
        headers.append(("Signature", "\(label)=:\(signature):"))
        headers.append(("Adit-Key", key.publicKey.hex))
        return headers
    }
}
