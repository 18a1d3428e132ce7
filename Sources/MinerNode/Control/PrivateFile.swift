import Glibc
import Wire

/// Small files that only their owner may read, written whole: beside their place, synced, renamed, and the folder synced.
enum PrivateFile {
    /// Throws `io_failed`; then the old file, if there was one, is as it was.
    static func write(_ bytes: [UInt8], to path: String) throws(Problem) {
        let fresh = path + ".new"
        unsafe unlink(fresh)
        let descriptor = unsafe open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path) }
        var done = 0
        var isWritten = true
        while done < bytes.count {
            let count = unsafe bytes[done...].withUnsafeBytes { raw in unsafe Glibc.write(descriptor, raw.baseAddress, raw.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                isWritten = false
                break
            }
            done += count
        }
        isWritten = isWritten && fsync(descriptor) == 0
        let problem = failure(path)
        close(descriptor)
        guard isWritten, unsafe rename(fresh, path) == 0 else {
            unsafe unlink(fresh)
            throw problem
        }
        if let end = path.lastIndex(of: "/") { try DataFolder.sync(String(path[..<end])) }
    }

    /// A file's size in bytes; nil if it isn't there.
    static func size(_ path: String) -> Int? {
        var info = stat()
        return unsafe stat(path, &info) == 0 ? Int(info.st_size) : nil
    }

    private static func failure(_ path: String) -> Problem {
        Problem(.ioFailed, "\(path) can't be written (errno \(errno)): is the disk full, or read-only?")
    }
}
