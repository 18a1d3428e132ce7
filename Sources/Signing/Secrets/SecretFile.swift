private import Glibc
package import Wire

/// Files that hold a secret and nothing else: read straight into locked memory.
package enum SecretFile {
    /// A file's bytes without the line's end (`\n` or `\r\n`, once), at most `capacity` of them: what is longer is cut there.
    ///
    /// - Parameters:
    ///   - isPrivate: whether the file's own mode must keep others out.
    ///   - code: of the refusal where others may read it, or it is no file.
    ///   - what: the secret's name in such a refusal.
    /// - Throws: `code`, or `io_failed`.
    package static func read(_ path: String, capacity: Int, isPrivate: Bool = true, code: Problem.Code, what: String) throws(Problem) -> SecretBytes {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw KeyFile.failed("open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw KeyFile.failed("fstat", path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Problem(code, "\(path) is not a file") }
        guard !isPrivate || status.st_mode & 0o077 == 0 else { throw Problem(code, "\(what) in \(path) can be read by others; run: chmod 600 \(path)") }
        return try unsafe SecretBytes(capacity: capacity) { (buffer) throws(Problem) in
            var count = 0
            while count < capacity {
                let got = unsafe Glibc.read(descriptor, buffer + count, capacity - count)
                guard got >= 0 else { throw KeyFile.failed("read", path) }
                if got == 0 { break }
                count += got
            }
            if count > 0, unsafe buffer[count - 1] == 0x0A { count -= 1 }
            if count > 0, unsafe buffer[count - 1] == 0x0D { count -= 1 }
            return count
        }
    }
}
