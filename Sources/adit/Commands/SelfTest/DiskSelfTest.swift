import Foundation
import Signing
import Wire

/// Writes, syncs, reads back and removes: what a receipt's life hangs on.
enum DiskSelfTest {
    /// Large enough to leave a drive's smallest buffers, quick on a slow one.
    private static let byteCount = 4 << 20

    /// - Throws: `io_failed` with what the system says.
    static func run(_ folder: String) throws(Problem) {
        try Files.makeFolder(folder)
        let path = "\(folder)/self-test-\(SecureRandom.hex(bytes: 8))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        // Random, so that neither a compressing disk nor an old block can pass for what was written.
        var bytes = SecureRandom.bytes(32)
        while bytes.count < byteCount { bytes += bytes }
        try Files.write(bytes, to: path, mode: 0o600)
        // From the disk and not from the page cache, where the system lets us say so.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem(.ioFailed, "\(path) can't be opened again") }
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        close(descriptor)
        guard SHA256.hash(try Files.read(path, limit: bytes.count)) == SHA256.hash(bytes) else {
            throw Problem(.ioFailed, "\(folder): what was read is not what was written")
        }
    }
}
