internal import CSodium
import Wire

/// What we ask of libsodium, with every length checked before C sees a pointer.
enum Sodium {
    /// libsodium may be used only after this; it is safe to ask from any thread.
    private static let ready: Bool = sodium_init() >= 0

    static func start() { precondition(ready, "libsodium can't start: no source of randomness") }

    static func randomBytes(_ count: Int) -> [UInt8] {
        start()
        var bytes = [UInt8](repeating: 0, count: count)
        unsafe bytes.withUnsafeMutableBytes { memory in
            if let base = memory.baseAddress { unsafe randombytes_buf(base, count) }
        }
        return bytes
    }

    /// The public key (32 bytes) and the expanded secret key (64 bytes, which begin with the seed) of a 32-byte seed.
    static func keyPair(seed: SecretBytes) throws(Problem) -> (publicKey: [UInt8], secretKey: SecretBytes) {
        precondition(seed.count == 32, "an ed25519 seed has 32 bytes")
        var publicKey = [UInt8](repeating: 0, count: 32)
        let secretKey = try unsafe SecretBytes(capacity: 64) { secret in
            _ = unsafe seed.withPointer { seed in unsafe crypto_sign_seed_keypair(&publicKey, secret, seed) }
            return 64
        }
        return (publicKey, secretKey)
    }

    static func sign(_ message: [UInt8], secretKey: SecretBytes) -> [UInt8] {
        precondition(secretKey.count == 64, "an expanded ed25519 key has 64 bytes")
        var signature = [UInt8](repeating: 0, count: 64)
        _ = unsafe secretKey.withPointer { secret in
            unsafe crypto_sign_detached(&signature, nil, message, UInt64(message.count), secret)
        }
        return signature
    }

    /// libsodium's own verification: S < L, R and A not of small order, A canonical, and the group equation.
    static func verify(_ signature: [UInt8], _ message: [UInt8], publicKey: [UInt8]) -> Bool {
        start()
        guard signature.count == 64, publicKey.count == 32 else { return false }
        return unsafe crypto_sign_verify_detached(signature, message, UInt64(message.count), publicKey) == 0
    }

    /// Whether 32 bytes are the canonical form of a point in the main subgroup, and not of small order.
    static func isMainSubgroupPoint(_ point: [UInt8]) -> Bool {
        start()
        guard point.count == 32 else { return false }
        return unsafe crypto_core_ed25519_is_valid_point(point) == 1
    }
}
