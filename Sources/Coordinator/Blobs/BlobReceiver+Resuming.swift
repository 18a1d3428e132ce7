import Wire

extension BlobReceiver {
    /// What is read at once: enough for all cores to hash.
    fileprivate static let lookBytes = 64 * TensorRoot.leafSize

    /// Goes on with a file that an earlier upload, or an earlier process, left: its leaves up to the first that is not the expected one
    /// are kept, and what follows is cut off.
    ///
    /// They are hashed anew, from the disk and not from what memory holds of it: after a crash, or a sync that failed, nobody knows
    /// what reached the disk. Others may use the queue between two looks.
    /// - Throws: `io_failed`.
    static func resuming(
        _ file: BlobFile, expected: [Digest], byteCount: Int, on queue: WorkQueue, queues: [WorkQueue]
    ) async throws(Problem) -> BlobReceiver {
        try await queue.run { () throws(Problem) in try file.forgetCache() }
        var bytes = 0
        while bytes < byteCount {
            let offset = bytes
            let right = try await queue.run { () throws(Problem) in try file.rightBytes(at: offset, expected, byteCount) }
            bytes += right
            guard right == lookBytes else { break }
        }
        let kept = bytes
        try await queue.run { () throws(Problem) in try file.truncate(to: kept) }
        return BlobReceiver(file, expected: expected, bytes: kept, queues: queues)
    }
}

extension BlobFile {
    /// How many bytes from `offset` on, at most a look's, belong to leaves that are there whole and as expected.
    fileprivate func rightBytes(at offset: Int, _ expected: [Digest], _ byteCount: Int) throws(Problem) -> Int {
        let bytes = try read(at: offset, count: min(BlobReceiver.lookBytes, byteCount - offset))
        let first = offset / TensorRoot.leafSize
        let leaves = unsafe bytes.withUnsafeBytes { unsafe TensorRoot.leafHashes(of: $0) }
        var right = 0
        for (index, leaf) in leaves.enumerated() {
            guard first + index < expected.count, leaf == expected[first + index] else { break }
            right = min(right + TensorRoot.leafSize, bytes.count)
        }
        return right
    }
}
