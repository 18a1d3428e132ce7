private import CSodium
package import Wire

/// A private key under a passphrase: the format `adit-key-v2` (docs/PROTOCOL.md, "Key files").
///
/// Argon2id makes a key of the passphrase, XChaCha20-Poly1305 seals the seed with it. The canonical document without `sealed` is the
/// associated data, so that no part of the header can be changed unnoticed by whoever opens it. Address and public key can be read
/// without the passphrase, and are then as trustworthy as the file.
package struct SealedKey: Sendable, Equatable {
    package let publicKey: PublicKey
    let derivation: KeyDerivation
    /// 24 bytes.
    let nonce: [UInt8]
    /// The seed's 32 bytes and the tag's 16.
    let sealed: [UInt8]

    static let format = "adit-key-v2"
    static let cipher = "xchacha20-poly1305-ietf"
    private static let nonceBytes = 24
    private static let sealedBytes = 48

    package var address: Address { publicKey.address }

    /// Seals a key with a new salt and nonce. Throws `bad_passphrase` for a short passphrase, `memory_limit`.
    package init(_ key: PrivateKey, passphrase: Passphrase, strength: KeyStrength = .standard) throws(Problem) {
        try passphrase.checkForNewFile()
        publicKey = key.publicKey
        derivation = try KeyDerivation(
            operations: strength.operations, memoryKiB: strength.memoryKiB, salt: SecureRandom.bytes(KeyDerivation.saltBytes))
        let nonce = SecureRandom.bytes(Self.nonceBytes)
        let header = Self.header(publicKey, derivation, nonce).canonicalBytes
        let secret = try derivation.key(from: passphrase)
        var box = [UInt8](repeating: 0, count: Self.sealedBytes)
        let status = unsafe key.withSeed { seed in
            unsafe secret.withPointer { secret in
                unsafe crypto_aead_xchacha20poly1305_ietf_encrypt(&box, nil, seed, 32, header, UInt64(header.count), nil, nonce, secret)
            }
        }
        guard status == 0 else { throw Problem(.internalError, "the key can't be sealed") }
        self.nonce = nonce
        sealed = box
    }

    /// Throws `wrong_passphrase` when the passphrase is wrong or the file was changed, which can't be told apart; `memory_limit`.
    package func open(_ passphrase: Passphrase) throws(Problem) -> PrivateKey {
        let header = Self.header(publicKey, derivation, nonce).canonicalBytes
        let secret = try derivation.key(from: passphrase)
        let seed = try unsafe SecretBytes(capacity: 32) { (seed) throws(Problem) in
            let status = unsafe secret.withPointer { secret in
                unsafe crypto_aead_xchacha20poly1305_ietf_decrypt(
                    seed, nil, nil, sealed, UInt64(sealed.count), header, UInt64(header.count), nonce, secret)
            }
            guard status == 0 else { throw Self.wrong }
            return 32
        }
        let key = try PrivateKey(seed: seed)
        guard key.publicKey == publicKey else { throw Self.wrong }
        return key
    }

    private static let wrong = Problem(.wrongPassphrase, "the passphrase is wrong, or the key file was changed")
}

extension SealedKey {
    /// Reads the document; unknown members are refused at every level, and bounds hold before any memory is taken.
    package init(_ json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "key file")
        guard try fields.string("format") == Self.format else { throw Problem(.badKeyFile, "an unknown format") }
        let address = try fields.address("address")
        publicKey = try fields.publicKey("public_key")
        var kdf = try JSONFields(try fields.value("kdf"), "kdf")
        guard try kdf.string("name") == KeyDerivation.name else { throw Problem(.badKeyFile, "an unknown kdf") }
        derivation = try KeyDerivation(
            operations: Int(try kdf.integer("operations", in: KeyDerivation.operationsRange)),
            memoryKiB: Int(try kdf.integer("memory_kib", in: KeyDerivation.memoryRange)), salt: try kdf.bytes("salt", KeyDerivation.saltBytes))
        try kdf.finish()
        var cipher = try JSONFields(try fields.value("cipher"), "cipher")
        guard try cipher.string("name") == Self.cipher else { throw Problem(.badKeyFile, "an unknown cipher") }
        nonce = try cipher.bytes("nonce", Self.nonceBytes)
        try cipher.finish()
        sealed = try fields.bytes("sealed", Self.sealedBytes)
        try fields.finish()
        guard publicKey.address == address else { throw Problem(.badKeyFile, "its address isn't its public key's") }
    }

    package var json: JSON {
        guard case .object(let header) = Self.header(publicKey, derivation, nonce) else { return .null }
        return .object(header.setting("sealed", to: .string(Hex.encode(sealed))))
    }

    private static func header(_ publicKey: PublicKey, _ derivation: KeyDerivation, _ nonce: [UInt8]) -> JSON {
        [
            "format": .string(format), "address": .string(publicKey.address.text), "public_key": .string(publicKey.hex),
            "kdf": [
                "name": .string(KeyDerivation.name), "operations": .integer(Int64(derivation.operations)),
                "memory_kib": .integer(Int64(derivation.memoryKiB)), "salt": .string(Hex.encode(derivation.salt)),
            ],
            "cipher": ["name": .string(cipher), "nonce": .string(Hex.encode(nonce))],
        ]
    }
}

extension JSONFields {
    /// Exactly `count` bytes in lower-case hex.
    mutating func bytes(_ key: String, _ count: Int) throws(Problem) -> [UInt8] { Hex.decode(try hex(key, bytes: count)) ?? [] }
}
