package import Wire

/// An ed25519 private key. Only its 32-byte seed is ever stored: the public half is derived again each time, since a tampered
/// copy of it next to the secret would let two signatures give the secret away.
package struct PrivateKey: Sendable {
    private let seed: [UInt8]
    private let secretKey: [UInt8]
    package let publicKey: PublicKey

    /// Throws `bad_key_file` unless there are 32 bytes.
    package init(seed: [UInt8]) throws(Problem) {
        guard seed.count == 32 else { throw Problem(.badKeyFile, "a seed has 32 bytes, not \(seed.count)") }
        let pair = Sodium.keyPair(seed: seed)
        guard let publicKey = PublicKey(bytes: pair.publicKey) else { throw Problem(.badKeyFile, "the seed gives no key") }
        self.seed = seed
        self.secretKey = pair.secretKey
        self.publicKey = publicKey
    }

    package init?(seedHex: String) {
        guard let seed = Hex.decode(seedHex), let key = try? PrivateKey(seed: seed) else { return nil }
        self = key
    }

    package static func generate() throws(Problem) -> PrivateKey { try PrivateKey(seed: SecureRandom.bytes(32)) }

    package var address: Address { publicKey.address }

    /// The secret itself, in hex: for key files and a devnet's worthless keys alone.
    package var seedHex: String { Hex.encode(seed) }

    package func sign(_ digest: Digest) -> Signature { sign(message: digest.bytes) }

    func sign(message: [UInt8]) -> Signature {
        guard let signature = Signature(bytes: Sodium.sign(message, secretKey: secretKey)) else { preconditionFailure("64 bytes are a signature") }
        return signature
    }
}

extension PrivateKey: CustomStringConvertible, CustomReflectable {
    /// Never the secret: keys end up in logs by being printed.
    package var description: String { "PrivateKey(\(address))" }
    package var customMirror: Mirror { Mirror(self, children: ["address": address.text]) }
}
