import Signing
package import Wire

extension CoordinatorClient {
    /// Whether the coordinator holds the whole blob.
    package func hasBlob(_ root: Digest) async throws(Problem) -> Bool {
        let answer = try await http.send(HTTPRequest(.head, base, path: "/blobs/\(root.hex)"))
        if answer.status == 404 { return false }
        try answer.checked()
        return true
    }

    /// Downloads a blob of known size into `path`, hashing it on its way. The file appears only if the bytes are the root's.
    ///
    /// - Throws: `blob_mismatch` if they aren't, `io_failed`, `unknown_blob`.
    package func downloadBlob(_ root: Digest, byteCount: Int, to path: String) async throws(Problem) {
        let sink = try BlobFileSink(path: path, root: root, byteCount: byteCount)
        let request = HTTPRequest(.get, base, path: "/blobs/\(root.hex)", limits: .bulk(answerBytes: byteCount))
        do {
            _ = try await http.send(request, sink: sink).checked()
        } catch  where error.code == .payloadTooLarge {
            throw Problem(.blobMismatch, "blob \(root.hex) is longer than its \(byteCount) bytes")
        }
        try sink.finish()
    }

    /// Downloads a small blob into memory, checked against its root.
    package func blob(_ root: Digest, byteCount: Int) async throws(Problem) -> [UInt8] {
        let request = HTTPRequest(.get, base, path: "/blobs/\(root.hex)", limits: .bulk(answerBytes: byteCount))
        let bytes = try await http.send(request).checked().body
        guard bytes.count == byteCount, TensorRoot.root(of: bytes) == root else { throw Problem(.blobMismatch, "blob \(root.hex) is not its address's") }
        return bytes
    }

    /// The hashes of a blob's leaves, checked against its root.
    package func blobLeaves(_ root: Digest, byteCount: Int) async throws(Problem) -> [Digest] {
        let count = TensorRoot.leafCount(byteCount: byteCount)
        let answer = try await ServiceAPI(http: http, base: base).json(.get, "/blobs/\(root.hex)/leaves", limits: HTTPLimits(answerBytes: 4_096 + count * 80))
        let leaves = try Problem.reading("leaves") { () throws(Problem) in
            var fields = try JSONFields(answer, "leaves")
            return try fields.array("leaves", maxCount: count).compactMap { $0.stringValue.flatMap { Digest(hex: $0) } }
        }
        guard leaves.count == count, MerkleTree.root(leafHashes: leaves) == root else {
            throw Problem(.blobMismatch, "the leaves are not those of blob \(root.hex)")
        }
        return leaves
    }
}
