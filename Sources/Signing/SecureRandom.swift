import Wire

/// Randomness that nobody can predict: libsodium's, from the kernel.
package enum SecureRandom {
    package static func bytes(_ count: Int) -> [UInt8] { Sodium.randomBytes(count) }

    /// Lower-case hex of `count` random bytes.
    package static func hex(bytes count: Int) -> String { Hex.encode(bytes(count)) }
}

/// Comparison of secrets in a time that doesn't depend on where they differ.
package enum ConstantTime {
    package static func equal(_ left: String, _ right: String) -> Bool {
        // Hashing first makes the lengths equal too.
        Sodium.equalInConstantTime(SHA256.hash(utf8: left).bytes, SHA256.hash(utf8: right).bytes)
    }
}
