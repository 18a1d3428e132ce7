package import Wire

/// An ed25519 public key (RFC 8032): 32 bytes, 64 hex digits on the wire. Whether it is a good point is asked when it verifies.
package struct PublicKey: Hashable, Sendable, CustomStringConvertible {
    private let digest: Digest

    package init?(bytes: [UInt8]) {
        guard let digest = Digest(bytes: bytes) else { return nil }
        self.digest = digest
    }

    package init?(hex: String) {
        guard let digest = Digest(hex: hex) else { return nil }
        self.digest = digest
    }

    /// Throws `bad_public_key`; `field` names the place in the message.
    package init(hex: String, field: String) throws(Problem) {
        guard let key = PublicKey(hex: hex) else { throw Problem(.badPublicKey, "\"\(field)\" is not 64 lower-case hex digits") }
        self = key
    }

    package var bytes: [UInt8] { digest.bytes }
    package var hex: String { digest.hex }
    package var description: String { hex }

    package var address: Address { Address(of: bytes) }
}
