package import Wire

/// Known answers of what money hangs on: a processor or a library that errs here must not sign anything.
package enum SigningSelfTest {
    /// RFC 8032 section 7.1, tests 2 and 3: seed, public key, message, signature.
    private static let vectors = [
        (
            seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", message: "72",
            signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        (
            seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", message: "af82",
            signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ]

    /// FIPS 180-4's examples (NIST): "abc", and a million times "a", which goes through every block function of a library.
    private static let hashes = [
        ([UInt8]("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ([UInt8](repeating: 0x61, count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ]

    /// - Throws: `internal_error` that says what came out wrong.
    package static func signatures() throws(Problem) {
        for vector in vectors {
            guard let key = PrivateKey(seedHex: vector.seed), let message = Hex.decode(vector.message), let signature = Signature(hex: vector.signature) else {
                throw Problem(.internalError, "a test vector can't be read")
            }
            guard key.publicKey.hex == vector.key else { throw Problem(.internalError, "ed25519 makes a wrong public key") }
            guard key.sign(message: message) == signature else { throw Problem(.internalError, "ed25519 makes a wrong signature") }
            guard key.publicKey.verifies(signature, message: message) else { throw Problem(.internalError, "ed25519 refuses a good signature") }
            guard !key.publicKey.verifies(signature, message: message + [0]) else { throw Problem(.internalError, "ed25519 takes a wrong signature") }
        }
    }

    /// - Throws: `internal_error`.
    package static func hashing() throws(Problem) {
        for (message, digest) in hashes where SHA256.hash(message).hex != digest {
            throw Problem(.internalError, "SHA-256 of \(message.count) bytes is wrong")
        }
    }
}
