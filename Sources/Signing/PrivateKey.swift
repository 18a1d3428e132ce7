package import Wire

/// An ed25519 private key. Only its 32-byte seed is ever stored: the public half is derived again each time, since a tampered
/// copy of it next to the secret would let two signatures give the secret away.
///
/// The secret lies in locked, guarded memory (`SecretBytes`) and is zeroed with the key's last copy.
package struct PrivateKey: Sendable {
    /// 64 bytes: the seed, then the public half.
    private let secret: SecretBytes
    package let publicKey: PublicKey

    private static let seedBytes = 32

    /// Throws `bad_key_file` unless there are 32 bytes.
    package init(seed: SecretBytes) throws(Problem) {
        guard seed.count == Self.seedBytes else { throw Problem(.badKeyFile, "a seed has 32 bytes, not \(seed.count)") }
        let pair = try Sodium.keyPair(seed: seed)
        guard let publicKey = PublicKey(bytes: pair.publicKey) else { throw Problem(.badKeyFile, "the seed gives no key") }
        self.secret = pair.secretKey
        self.publicKey = publicKey
    }

    /// The same from ordinary memory: for a devnet's keys and for tests.
    package init(seed: [UInt8]) throws(Problem) { try self.init(seed: SecretBytes(copying: seed)) }

    package init?(seedHex: String) {
        guard let seed = Hex.decode(seedHex), let key = try? PrivateKey(seed: seed) else { return nil }
        self = key
    }

    package static func generate() throws(Problem) -> PrivateKey { try PrivateKey(seed: SecretBytes.random(seedBytes)) }

    package var address: Address { publicKey.address }

    /// The secret itself, in hex and in ordinary memory: for plain key files and a devnet's worthless keys alone.
    package var seedHex: String {
        unsafe withSeed { seed in unsafe Hex.encode(UnsafeBufferPointer(start: seed, count: Self.seedBytes)) }
    }

    /// Lends the seed's 32 bytes.
    func withSeed<Value>(_ body: (UnsafePointer<UInt8>) -> Value) -> Value { unsafe secret.withPointer(body) }

    package func sign(_ digest: Digest) -> Signature { sign(message: digest.bytes) }

    func sign(message: [UInt8]) -> Signature {
        guard let signature = Signature(bytes: Sodium.sign(message, secretKey: secret)) else { preconditionFailure("64 bytes are a signature") }
        return signature
    }
}

extension PrivateKey: CustomStringConvertible, CustomReflectable {
    /// Never the secret: keys end up in logs by being printed.
    package var description: String { "PrivateKey(\(address))" }
    package var customMirror: Mirror { Mirror(self, children: ["address": address.text]) }
}
