private import Dispatch
private import Synchronization

/// The address of a tensor: the RFC 6962 root over its bytes (little-endian, row-major, packed) in leaves of 65,536 bytes.
///
/// Any range can be checked as it arrives, and any leaf proved alone (PROTOCOL section 1).
package enum TensorRoot {
    package static let leafSize = 65_536

    /// The number of leaves of `byteCount` bytes.
    package static func leafCount(byteCount: Int) -> Int { byteCount / leafSize + (byteCount % leafSize == 0 ? 0 : 1) }

    /// Hashes on all cores. Blocks its caller: run it where blocking is allowed.
    package static func root(of raw: UnsafeRawBufferPointer) -> Digest {
        unsafe MerkleTree.root(leafHashes: leafHashes(of: raw))
    }

    package static func root(of bytes: [UInt8]) -> Digest {
        unsafe bytes.withUnsafeBytes { unsafe root(of: $0) }
    }

    /// The hashes of all leaves, computed on all cores when there are enough of them to share.
    package static func leafHashes(of raw: UnsafeRawBufferPointer) -> [Digest] {
        let leaves = leafCount(byteCount: raw.count)
        let share = 16
        guard leaves > share else { return (0..<leaves).map { unsafe leafHash(raw, $0) } }
        let shares = (leaves + share - 1) / share
        let hashes = Mutex([Digest](repeating: .zero, count: leaves))
        // The memory outlives the call, and nobody writes to it meanwhile.
        nonisolated(unsafe) let raw = unsafe raw
        DispatchQueue.concurrentPerform(iterations: shares) { part in
            let range = part * share..<min(leaves, (part + 1) * share)
            let done = range.map { unsafe leafHash(raw, $0) }
            hashes.withLock { $0.replaceSubrange(range, with: done) }
        }
        return hashes.withLock { $0 }
    }

    private static func leafHash(_ raw: UnsafeRawBufferPointer, _ index: Int) -> Digest {
        let start = index * leafSize
        return unsafe MerkleTree.leafHash(UnsafeRawBufferPointer(rebasing: raw[start..<min(raw.count, start + leafSize)]))
    }
}
