import Glibc
import NIOCore
import Wire

/// One upload: bytes go to a file and through the hasher as they come, on a queue of their own.
///
/// Nothing is visible under the root until all bytes are there, hash to it and are synced.
actor BlobUpload {
    private let store: BlobStore
    private let root: Digest
    private let queue: WorkQueue
    private let temporary: String
    private var descriptor: Int32 = -1
    private var hasher = TensorHasher()
    private var leaves: [Digest] = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe queue.asUnownedSerialExecutor() }

    init(_ root: Digest, into store: BlobStore, on queue: WorkQueue) {
        self.root = root
        self.store = store
        self.queue = queue
        temporary = store.temporaryPath()
    }

    /// Takes the next bytes. Throws `io_failed`.
    func write(_ chunk: ByteBuffer) throws(Problem) {
        if descriptor < 0 {
            descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw BlobStore.failure("open") }
        }
        let result: Result<Void, Problem> = unsafe chunk.withUnsafeReadableBytes { raw in
            unsafe hasher.update(raw)
            do throws(Problem) {
                try unsafe File.append(raw, to: descriptor)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Ends the upload and gives its size; `adopt` makes it visible.
    ///
    /// - Throws: `blob_mismatch` if the bytes do not hash to the root, and nothing is kept; `io_failed`.
    func finish() throws(Problem) -> Int {
        if descriptor < 0 { try write(ByteBuffer()) }
        let (found, leaves, byteCount) = hasher.finish()
        guard found == root else { throw Problem(.blobMismatch, "these \(byteCount) bytes have the root \(found.hex)") }
        guard fsync(descriptor) == 0 else { throw BlobStore.failure("fsync") }
        self.leaves = leaves
        return byteCount
    }

    /// Moves a finished upload to its place. Throws `io_failed`.
    func adopt() throws(Problem) { try store.adopt(temporary, root: root, leaves: leaves) }

    /// Closes the file and removes what was not adopted. To be called in any case.
    func close() {
        guard descriptor >= 0 else { return }
        _ = Glibc.close(descriptor)
        descriptor = -1
        _ = unsafe unlink(temporary)
    }
}
