import Glibc
import TensorFiles
import Wire

/// A file that an upload writes into, at any place and from any thread; closed with the last reference to it.
final class BlobFile: Sendable {
    private let descriptor: Int32
    private let direct: DirectFile?

    /// A new, empty file: one that was there under this name goes on in other hands only.
    ///
    /// - Parameter direct: past the page cache.
    init(new path: String, direct: Bool) throws(Problem) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw BlobStore.failure("unlink") }
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw BlobStore.failure("open") }
        self.direct = direct ? DirectFile(path: path) : nil
    }

    /// A file that an earlier upload left.
    init(old path: String, direct: Bool) throws(Problem) {
        descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw BlobStore.failure("open") }
        self.direct = direct ? DirectFile(path: path) : nil
    }

    deinit { close(descriptor) }

    func write(_ raw: UnsafeRawBufferPointer, at offset: Int) throws(Problem) {
        var done = try unsafe direct?.write(raw, at: offset) ?? 0
        while done < raw.count {
            let count = unsafe pwrite(descriptor, raw.baseAddress?.advanced(by: done), raw.count - done, off_t(offset + done))
            if count < 0 {
                if errno == EINTR { continue }
                throw BlobStore.failure("write")
            }
            done += count
        }
    }

    /// Up to `count` bytes from `offset` on; fewer only at the end.
    func read(at offset: Int, count: Int) throws(Problem) -> [UInt8] {
        var failed = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = unsafe pread(descriptor, buffer.baseAddress?.advanced(by: filled), count - filled, off_t(offset + filled))
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failed = true }
                if got <= 0 { return }
                filled += got
            }
        }
        if failed { throw BlobStore.failure("read") }
        return bytes
    }

    /// Writes out what memory holds of the file and lets go of it: the next reads are the disk's.
    func forgetCache() throws(Problem) {
        try sync()
        // Advice that is not taken costs nothing but the certainty.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    }

    func truncate(to count: Int) throws(Problem) {
        guard ftruncate(descriptor, off_t(count)) == 0 else { throw BlobStore.failure("ftruncate") }
    }

    func sync() throws(Problem) {
        guard fsync(descriptor) == 0 else { throw BlobStore.failure("fsync") }
    }
}
