private import Foundation
private import RawStructuredFieldValues
package import Wire

extension HTTPSignature {
    /// Checks the one signature of a request and returns who signed it.
    ///
    /// The nonce is not looked up here: the server remembers those it has seen.
    /// - Parameters:
    ///   - header: the value of a header by its lower-case name; several of one name joined by ", ".
    ///   - now: the server's clock, unix seconds; `serverStart` likewise.
    ///   - knownKey: the key of an address that has been here before, when the request brings none.
    /// - Throws: `unauthorized`, `bad_signature`, `bad_digest` or `request_expired`.
    package static func verify(
        _ request: SignedRequest, body: BodyBinding, header: (String) -> String?, serverStart: Int64, now: Int64, knownKey: (Address) -> PublicKey?
    ) throws(Problem) -> VerifiedRequest {
        let input = try SignatureInput(header: header("signature-input"))
        let signature = try signatureBytes(header("signature"), label: input.label)
        guard input.components.sorted() == components(body).sorted() else {
            throw Problem(.unauthorized, "the signature must cover exactly \(components(body).joined(separator: ", "))")
        }
        try checkLife(input, serverStart: serverStart, now: now)
        let contentDigest = try checkDigest(body, header("content-digest"))
        let key = try signer(input, header: header("adit-key"), knownKey: knownKey)
        guard let base = request.base(components: input.components, parameters: input.parameters, contentDigest: contentDigest),
            key.verifies(signature, message: base)
        else { throw Problem(.badSignature, "the request's signature doesn't hold") }
        return VerifiedRequest(address: input.address, key: key, nonce: input.nonce, created: input.created, expires: input.expires)
    }

    private static func checkLife(_ input: SignatureInput, serverStart: Int64, now: Int64) throws(Problem) {
        guard input.created >= now - maxSkew, input.created <= now + maxSkew else {
            throw Problem(.requestExpired, "created is more than \(maxSkew) s from the server's clock")
        }
        guard input.created >= serverStart else { throw Problem(.requestExpired, "created before this server started; sign again") }
        guard input.expires > now, input.expires > input.created, input.expires - input.created <= maxLifetime else {
            throw Problem(.requestExpired, "expired, or living longer than \(maxLifetime) s")
        }
    }

    private static func checkDigest(_ body: BodyBinding, _ header: String?) throws(Problem) -> String? {
        guard case .bytes(let bytes) = body else { return nil }
        guard let header else { throw Problem(.badDigest, "a body needs Content-Digest") }
        guard header == contentDigest(bytes) else { throw Problem(.badDigest, "Content-Digest is not the body's sha-256") }
        return header
    }

    private static func signer(_ input: SignatureInput, header: String?, knownKey: (Address) -> PublicKey?) throws(Problem) -> PublicKey {
        if let header {
            let key = try PublicKey(hex: header, field: "Adit-Key")
            guard key.address == input.address else { throw Problem(.unauthorized, "Adit-Key is not keyid's key") }
            return key
        }
        guard let key = knownKey(input.address) else { throw Problem(.unauthorized, "an unknown key; send it in Adit-Key") }
        return key
    }

    private static func signatureBytes(_ header: String?, label: String) throws(Problem) -> Signature {
        guard let header else { throw Problem(.unauthorized, "the request is not signed") }
        var parser = StructuredFieldValueParser(Array(header.utf8))
        guard let members = try? parser.parseDictionaryFieldValue(), members.count == 1,
            case .item(let item)? = members[label], case .undecodedByteSequence(let text) = item.rfc9651BareItem,
            let bytes = Data(base64Encoded: text), let signature = Signature(bytes: Array(bytes))
        else { throw Problem(.unauthorized, "Signature must hold exactly one ed25519 signature under Signature-Input's label") }
        return signature
    }
}
