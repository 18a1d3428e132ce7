import Glibc
import Wire

/// The claim of one process on one store: an exclusive `flock` of a file beside it, given up when the process ends.
///
/// Two nodes on one store could each sign a block of the same height.
final class StoreLock: Sendable {
    private let descriptor: Int32

    /// - Parameter path: of the lock's file; made where it is missing.
    /// - Throws: `unavailable` when another process, or another node of this one, holds it; `io_failed` when it can't be opened.
    init(path: String) throws(Problem) {
        let opened = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw Problem(.ioFailed, "\(path) can't be opened: \(Self.reason())") }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno == EWOULDBLOCK ? Problem(.unavailable, "another node is using this store") : Problem(.ioFailed, Self.reason())
            close(opened)
            throw reason
        }
        descriptor = opened
    }

    deinit { close(descriptor) }

    private static func reason() -> String {
        unsafe String(cString: strerror(errno))
    }
}
