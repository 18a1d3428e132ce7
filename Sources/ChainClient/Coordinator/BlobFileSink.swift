import Foundation
package import Wire

/// Writes a blob to a file as it arrives and hashes it on its way; the file gets its name only when its root is right.
///
/// `@unchecked Sendable`: the transfer thread alone calls `begin` and `receive`; `finish` is called after the transfer's end has been
/// waited for.
package final class BlobFileSink: DownloadSink, @unchecked Sendable {
    private let path: String
    private let temporary: String
    private let root: Digest
    private let byteCount: Int
    private var descriptor: Int32
    private var hasher = TensorHasher()
    private var received = 0

    /// - Throws: `io_failed` if a file can't be made beside `path`.
    package init(path: String, root: Digest, byteCount: Int) throws(Problem) {
        self.path = path
        self.root = root
        self.byteCount = byteCount
        temporary = "\(path).\(UUID().uuidString).part"
        descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failed }
    }

    /// Without the path: a miner tells its coordinator why it gives a lease back, and where it keeps its files is its own affair.
    private static var failed: Problem { Problem(.ioFailed, "a downloaded blob can't be written: \(unsafe String(cString: strerror(errno)))") }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        unsafe unlink(temporary)
    }

    package func begin(_ head: HTTPHead) throws(Problem) {
        guard head.status == 200 else { throw Problem(.badAnswer, "a blob came with status \(head.status)") }
        if let length = head.contentLength, length != byteCount { throw Problem(.blobMismatch, "blob \(root.hex) has \(length) bytes, not \(byteCount)") }
    }

    package func receive(_ chunk: UnsafeRawBufferPointer) throws(Problem) {
        unsafe hasher.update(chunk)
        received += chunk.count
        var done = 0
        while done < chunk.count {
            let count = unsafe write(descriptor, chunk.baseAddress?.advanced(by: done), chunk.count - done)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Self.failed }
            done += count
        }
    }

    /// Checks the root and gives the file its name. Throws `blob_mismatch` or `io_failed`.
    package func finish() throws(Problem) {
        guard received == byteCount, hasher.finish().root == root else { throw Problem(.blobMismatch, "blob \(root.hex) is not its address's") }
        let closed = close(descriptor)
        descriptor = -1
        guard closed == 0, unsafe rename(temporary, path) == 0 else { throw Self.failed }
    }
}
