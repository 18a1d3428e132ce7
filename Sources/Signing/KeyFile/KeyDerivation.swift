private import CSodium
private import Glibc
import Wire

/// Argon2id (RFC 9106) as a key file names it: passes over memory, one lane, a salt.
///
/// The bounds keep a file that somebody else wrote from taking the machine's memory or hours: at most 1 GiB, and at most 4 GiB
/// written in all, which is a few seconds.
struct KeyDerivation: Sendable, Equatable {
    /// Passes over the memory, 1…16.
    let operations: Int
    /// Memory in KiB, 8…1,048,576; operations × memory ≤ 4,194,304.
    let memoryKiB: Int
    /// 16 bytes.
    let salt: [UInt8]

    static let name = "argon2id13"
    static let saltBytes = 16
    static let operationsRange: ClosedRange<Int64> = 1...16
    static let memoryRange: ClosedRange<Int64> = 8...1_048_576
    static let maxWorkKiB = 4_194_304

    /// Throws `bad_key_file` outside the bounds.
    init(operations: Int, memoryKiB: Int, salt: [UInt8]) throws(Problem) {
        guard Self.operationsRange.contains(Int64(operations)), Self.memoryRange.contains(Int64(memoryKiB)), operations * memoryKiB <= Self.maxWorkKiB,
            salt.count == Self.saltBytes
        else {
            throw Problem(.badKeyFile, "opening it would take \(operations) passes over \(memoryKiB) KiB, more (or less) than is allowed")
        }
        self.operations = operations
        self.memoryKiB = memoryKiB
        self.salt = salt
    }

    /// 32 bytes from a passphrase. Throws `memory_limit` where the memory isn't there.
    func key(from passphrase: Passphrase) throws(Problem) -> SecretBytes {
        try unsafe SecretBytes(capacity: 32) { (output) throws(Problem) in
            let status = unsafe passphrase.secret.withPointer { secret in
                let count = passphrase.secret.count
                return unsafe secret.withMemoryRebound(to: CChar.self, capacity: count) { secret in
                    unsafe crypto_pwhash(output, 32, secret, UInt64(count), salt, UInt64(operations), memoryKiB << 10, crypto_pwhash_ALG_ARGON2ID13)
                }
            }
            guard status == 0 else {
                throw Problem(.memoryLimit, "opening a key file takes \(memoryKiB >> 10) MiB of memory for a moment, which this process doesn't get")
            }
            return 32
        }
    }
}

/// What opening a new key file costs whoever guesses at its passphrase.
package struct KeyStrength: Sendable {
    let operations: Int
    let memoryKiB: Int

    /// 3 passes over 256 MiB: about half a second, libsodium's "moderate".
    package static let standard = KeyStrength(operations: 3, memoryKiB: 262_144)
    /// For tests: no protection at all.
    package static let tests = KeyStrength(operations: 1, memoryKiB: 8)
}
