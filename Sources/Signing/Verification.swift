private import Synchronization
package import Wire

extension PublicKey {
    /// Whether `signature` holds for the 32-byte digest by PROTOCOL section 1: this key and R canonical points of the main
    /// subgroup, S < L, and the cofactorless equation.
    package func verifies(_ signature: Signature, of digest: Digest) -> Bool {
        verifies(signature, message: digest.bytes)
    }

    func verifies(_ signature: Signature, message: [UInt8]) -> Bool {
        StrictRule.holds(key: self, signature: signature, message: message)
    }
}

/// The protocol's rule on top of libsodium's, so that every node decides edge cases alike whatever its release.
private enum StrictRule {
    /// Keys whose point was checked: 31 µs that need not be spent on a sender's every transaction.
    private static let checkedKeys = Mutex<Set<PublicKey>>([])
    /// 32 bytes each: 2 MiB with overhead, however many keys the network sees.
    private static let rememberedKeys = 16_384

    static func holds(key: PublicKey, signature: Signature, message: [UInt8]) -> Bool {
        guard isGood(key) else { return false }
        guard isCofactorless || Sodium.isMainSubgroupPoint(Array(signature.bytes.prefix(32))) else { return false }
        return Sodium.verify(signature.bytes, message, publicKey: key.bytes)
    }

    private static func isGood(_ key: PublicKey) -> Bool {
        if checkedKeys.withLock({ $0.contains(key) }) { return true }
        guard Sodium.isMainSubgroupPoint(key.bytes) else { return false }
        checkedKeys.withLock { keys in
            if keys.count >= rememberedKeys { keys.removeAll(keepingCapacity: true) }
            keys.insert(key)
        }
        return true
    }

    /// Case 4 of ed25519-speccheck holds with the cofactor and fails without it. Without it, an R that satisfies the equation
    /// lies in the main subgroup because A and the base point do, and R's own check adds nothing.
    private static let isCofactorless: Bool = {
        let message = Hex.decode("e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c") ?? []
        let key = Hex.decode("cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d") ?? []
        let signature = "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512" + "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09"
        return !Sodium.verify(Hex.decode(signature) ?? [], message, publicKey: key)
    }()
}
