/// Finds a tensor's root while its bytes arrive in pieces of any size.
package struct TensorHasher {
    private var leaves: [Digest] = []
    private var pending: [UInt8] = []
    private var byteCount = 0

    package init() { pending.reserveCapacity(TensorRoot.leafSize) }

    package mutating func update(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe update($0) }
    }

    package mutating func update(_ raw: UnsafeRawBufferPointer) {
        byteCount += raw.count
        var rest = unsafe raw[...]
        while unsafe !rest.isEmpty {
            if unsafe pending.isEmpty && rest.count >= TensorRoot.leafSize {
                let leaf = unsafe UnsafeRawBufferPointer(rebasing: rest.prefix(TensorRoot.leafSize))
                unsafe leaves.append(MerkleTree.leafHash(leaf))
                unsafe rest = rest.dropFirst(TensorRoot.leafSize)
                continue
            }
            let taken = min(unsafe rest.count, TensorRoot.leafSize - pending.count)
            unsafe pending.append(contentsOf: rest.prefix(taken))
            unsafe rest = rest.dropFirst(taken)
            if pending.count == TensorRoot.leafSize { closeLeaf() }
        }
    }

    /// The root, its leaves and the number of bytes seen.
    package mutating func finish() -> (root: Digest, leaves: [Digest], byteCount: Int) {
        if !pending.isEmpty { closeLeaf() }
        return (MerkleTree.root(leafHashes: leaves), leaves, byteCount)
    }

    private mutating func closeLeaf() {
        leaves.append(MerkleTree.leafHash(pending))
        pending.removeAll(keepingCapacity: true)
    }
}
