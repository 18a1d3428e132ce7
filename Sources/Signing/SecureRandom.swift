import Wire

/// Randomness that nobody can predict: libsodium's, from the kernel.
package enum SecureRandom {
    package static func bytes(_ count: Int) -> [UInt8] { Sodium.randomBytes(count) }

    /// Lower-case hex of `count` random bytes.
    package static func hex(bytes count: Int) -> String { Hex.encode(bytes(count)) }
}
