package import Wire

/// Some leaves of a tensor, each with its proof: enough to read the elements that lie in them.
package struct TensorExcerpt: Sendable, Equatable {
    package let leaves: [TensorLeafProof]

    /// The leaves that hold all of `ranges`, each once.
    ///
    /// - Parameters: raw: the tensor's bytes. ranges: of bytes, within the tensor.
    package init(of raw: UnsafeRawBufferPointer, ranges: [Range<Int>]) throws(Problem) {
        let hashes = unsafe TensorRoot.leafHashes(of: raw)
        var wanted: Set<Int> = []
        for range in ranges where !range.isEmpty {
            for index in range.lowerBound / TensorRoot.leafSize...(range.upperBound - 1) / TensorRoot.leafSize { wanted.insert(index) }
        }
        var leaves: [TensorLeafProof] = []
        for index in wanted.sorted() { leaves.append(try unsafe TensorLeafProof(of: raw, leafHashes: hashes, index: index)) }
        self.leaves = leaves
    }

    /// Throws `output_mismatch` unless every leaf belongs to the tensor of that root and size.
    package func check(root: Digest, byteCount: Int, _ what: String) throws(Problem) {
        for leaf in leaves {
            guard leaf.byteCount == byteCount, leaf.holds(under: root) else {
                throw Problem(.outputMismatch, "leaf \(leaf.index) does not belong to the root of \(what)")
            }
        }
    }

    /// The bytes of `ranges`, one after the other. Throws `missing_field` where a leaf is not there.
    package func bytes(_ ranges: [Range<Int>]) throws(Problem) -> [UInt8] {
        let byIndex = Dictionary(leaves.map { ($0.index, $0) }) { first, _ in first }
        var bytes: [UInt8] = []
        for range in ranges {
            var position = range.lowerBound
            while position < range.upperBound {
                guard let leaf = byIndex[position / TensorRoot.leafSize], leaf.range.contains(position) else {
                    throw Problem(.missingField, "leaf \(position / TensorRoot.leafSize) is not in the excerpt")
                }
                let end = min(range.upperBound, leaf.range.upperBound)
                bytes += leaf.bytes[position - leaf.range.lowerBound..<end - leaf.range.lowerBound]
                position = end
            }
        }
        return bytes
    }

    init(json: JSON, maxLeaves: Int, _ what: String) throws(Problem) {
        guard case .array(let items) = json else { throw Problem(.wrongType, "\(what) is not a list of leaves") }
        guard items.count <= maxLeaves else { throw Problem(.outOfRange, "\(what) has more than \(maxLeaves) leaves") }
        leaves = try JSON.map(items) { (item) throws(Problem) in try TensorLeafProof(json: item) }
    }

    var json: JSON { .array(leaves.map(\.json)) }
}
