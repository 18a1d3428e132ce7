/// Merkle trees of RFC 6962 section 2.1: leaves are hashed behind 0x00, nodes behind 0x01, so that neither can pass for the other.
package enum MerkleTree {
    package static func leafHash(_ data: [UInt8]) -> Digest {
        unsafe data.withUnsafeBytes { unsafe leafHash($0) }
    }

    package static func leafHash(_ data: UnsafeRawBufferPointer) -> Digest {
        var hash = SHA256()
        hash.update([0x00])
        unsafe hash.update(data)
        return hash.finalize()
    }

    package static func nodeHash(_ left: Digest, _ right: Digest) -> Digest {
        SHA256.hash(0x01, left, right)
    }

    /// The root over leaf hashes; over no leaves, SHA-256 of nothing.
    ///
    /// Pairing level by level and passing an odd last node up gives the RFC's split at the largest power of two.
    package static func root(leafHashes: [Digest]) -> Digest {
        guard var level = leafHashes.isEmpty ? nil : leafHashes else { return SHA256.hash([UInt8]()) }
        while level.count > 1 { level = parents(of: level) }
        return level[0]
    }

    package static func root(_ leaves: [[UInt8]]) -> Digest { root(leafHashes: leaves.map { leafHash($0) }) }

    private static func parents(of level: [Digest]) -> [Digest] {
        stride(from: 0, to: level.count, by: 2).map { index in
            index + 1 < level.count ? nodeHash(level[index], level[index + 1]) : level[index]
        }
    }

    /// The audit path of leaf `index`, lowest sibling first (RFC 6962 section 2.1.1); empty when there is no such leaf.
    package static func inclusionProof(index: Int, leafHashes: [Digest]) -> [Digest] {
        guard leafHashes.indices.contains(index) else { return [] }
        var path: [Digest] = []
        var level = leafHashes
        var position = index
        while level.count > 1 {
            let sibling = position ^ 1
            if sibling < level.count { path.append(level[sibling]) }
            level = parents(of: level)
            position /= 2
        }
        return path
    }

    /// Whether `proof` shows `leafHash` to be leaf `index` of the `count` leaves under `root` (RFC 9162 section 2.1.3.2).
    package static func verify(proof: [Digest], index: Int, count: Int, leafHash: Digest, root: Digest) -> Bool {
        guard index >= 0, index < count else { return false }
        var position = index
        var last = count - 1
        var hash = leafHash
        for sibling in proof {
            guard last > 0 else { return false }
            if position & 1 == 1 || position == last {
                hash = nodeHash(sibling, hash)
                while position & 1 == 0, position != 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                hash = nodeHash(hash, sibling)
            }
            position >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }
}
