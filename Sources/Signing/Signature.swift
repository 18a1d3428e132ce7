package import Wire

/// An ed25519 signature (RFC 8032): R and S, 64 bytes, 128 hex digits on the wire.
package struct Signature: Hashable, Sendable, CustomStringConvertible {
    private let r: Digest
    private let s: Digest

    package init?(bytes: [UInt8]) {
        guard bytes.count == 64, let r = Digest(bytes: bytes[..<32]), let s = Digest(bytes: bytes[32...]) else { return nil }
        self.r = r
        self.s = s
    }

    package init?(hex: String) {
        guard hex.utf8.count == 128, let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes: bytes)
    }

    /// Throws `bad_signature`; `field` names the place in the message.
    package init(hex: String, field: String) throws(Problem) {
        guard let signature = Signature(hex: hex) else { throw Problem(.badSignature, "\"\(field)\" is not 128 lower-case hex digits") }
        self = signature
    }

    package var bytes: [UInt8] { r.bytes + s.bytes }
    package var hex: String { Hex.encode(bytes) }
    package var description: String { hex }
}
