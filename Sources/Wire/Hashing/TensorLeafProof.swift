/// One leaf of a tensor, 65,536 bytes or the rest, with the path that shows it to belong to the tensor's root (PROTOCOL section 1).
package struct TensorLeafProof: Sendable, Equatable {
    /// Bytes of the whole tensor.
    package let byteCount: Int
    /// Which leaf.
    package let index: Int
    package let bytes: [UInt8]
    /// Siblings, lowest first (RFC 6962 section 2.1.1).
    package let path: [Digest]

    /// More than a tree of 2^63 bytes has levels.
    static let longestPath = 64

    /// - Parameters:
    ///   - raw: the tensor's bytes.
    ///   - leafHashes: of all its leaves, as `TensorRoot.leafHashes` gives them.
    /// - Throws: `out_of_range` where the tensor has no such leaf.
    package init(of raw: UnsafeRawBufferPointer, leafHashes: [Digest], index: Int) throws(Problem) {
        guard leafHashes.indices.contains(index) else {
            throw Problem(.outOfRange, "the tensor has \(leafHashes.count) leaves, 0 to \(max(0, leafHashes.count - 1)); there is no leaf \(index)")
        }
        byteCount = raw.count
        self.index = index
        let start = index * TensorRoot.leafSize
        bytes = unsafe Array(raw[start..<min(raw.count, start + TensorRoot.leafSize)])
        path = MerkleTree.inclusionProof(index: index, leafHashes: leafHashes)
    }

    /// Whether the leaf is the tensor's whose root this is. A path alone does not tell how many leaves there are: who asks compares
    /// `byteCount` with the tensor's.
    package func holds(under root: Digest) -> Bool {
        let count = TensorRoot.leafCount(byteCount: byteCount)
        guard index >= 0, index < count, bytes.count == Self.length(index, byteCount) else { return false }
        return MerkleTree.verify(proof: path, index: index, count: count, leafHash: MerkleTree.leafHash(bytes), root: root)
    }

    /// The leaf's place in the tensor, in bytes.
    package var range: Range<Int> { index * TensorRoot.leafSize..<index * TensorRoot.leafSize + bytes.count }

    private static func length(_ index: Int, _ byteCount: Int) -> Int { min(TensorRoot.leafSize, byteCount - index * TensorRoot.leafSize) }

    /// Reads what `json` wrote; its size and place are checked, the path by `holds` alone.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "leaf")
        byteCount = Int(try fields.integer("byteCount", in: 1...JSON.maxInteger))
        index = Int(try fields.integer("leaf", in: 0...Int64(TensorRoot.leafCount(byteCount: byteCount) - 1)))
        // Four characters for three bytes.
        guard let bytes = Base64.decode(try fields.string("bytes", maxBytes: TensorRoot.leafSize / 3 * 4 + 8)) else {
            throw Problem(.badJSON, "the leaf's bytes are not base64")
        }
        guard bytes.count == Self.length(index, byteCount) else { throw Problem(.outOfRange, "leaf \(index) has another number of bytes") }
        self.bytes = bytes
        var path: [Digest] = []
        for item in try fields.array("path", maxCount: Self.longestPath) {
            guard let digest = item.stringValue.flatMap({ Digest(hex: $0) }) else { throw Problem(.badHex, "the leaf's path holds something that is no hash") }
            path.append(digest)
        }
        self.path = path
        try fields.finish()
    }

    package var json: JSON {
        [
            "byteCount": .integer(Int64(byteCount)), "leaf": .integer(Int64(index)), "bytes": .string(Base64.encode(bytes)),
            "path": .array(path.map { .string($0.hex) }),
        ]
    }
}
