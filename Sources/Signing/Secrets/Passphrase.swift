private import Glibc
package import Wire

/// What opens an encrypted key file: 1 to 1,024 bytes, as they were typed. Two spellings that Unicode calls equal are two passphrases.
package struct Passphrase: Sendable {
    let secret: SecretBytes

    /// The longest that is taken, in bytes.
    package static let maxBytes = 1024
    /// The shortest that a new file is made with, in bytes.
    package static let minBytes = 8

    /// Throws `bad_passphrase` for an empty one.
    package init(_ secret: SecretBytes) throws(Problem) {
        guard secret.count > 0 else { throw Problem(.badPassphrase, "the passphrase is empty") }
        self.secret = secret
    }

    /// For tests and for passphrases that are in ordinary memory already.
    package init(text: String) throws(Problem) {
        guard text.utf8.count <= Self.maxBytes else { throw Problem(.badPassphrase, "a passphrase has at most \(Self.maxBytes) bytes") }
        try self.init(SecretBytes(copying: Array(text.utf8)))
    }

    /// A file's content without the line's end: `\n` or `\r\n`, once.
    ///
    /// - Parameter isPrivate: whether the file's own mode must keep others out. A service manager's credentials are kept by their
    ///   folder's mode and may have an access list, which shows as bits for the group.
    /// - Throws: `bad_passphrase` if others may read the file, or it is empty or too long; `io_failed`.
    package init(file path: String, isPrivate: Bool = true) throws(Problem) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw KeyFile.failed("open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw KeyFile.failed("fstat", path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Problem(.badPassphrase, "\(path) is not a file") }
        guard !isPrivate || status.st_mode & 0o077 == 0 else {
            throw Problem(.badPassphrase, "the passphrase in \(path) can be read by others; run: chmod 600 \(path)")
        }
        // Room for the line's end and for one byte too many.
        let room = Self.maxBytes + 3
        let secret = try unsafe SecretBytes(capacity: room) { (buffer) throws(Problem) in
            var count = 0
            while count < room {
                let got = unsafe read(descriptor, buffer + count, room - count)
                guard got >= 0 else { throw KeyFile.failed("read", path) }
                if got == 0 { break }
                count += got
            }
            if count > 0, unsafe buffer[count - 1] == 0x0A { count -= 1 }
            if count > 0, unsafe buffer[count - 1] == 0x0D { count -= 1 }
            return count
        }
        guard secret.count <= Self.maxBytes else { throw Problem(.badPassphrase, "the passphrase in \(path) is longer than \(Self.maxBytes) bytes") }
        guard secret.count > 0 else { throw Problem(.badPassphrase, "\(path) is empty") }
        try self.init(secret)
    }

    /// Throws `bad_passphrase` for one that is too short for a new file.
    package func checkForNewFile() throws(Problem) {
        guard secret.count >= Self.minBytes else {
            throw Problem(.badPassphrase, "a passphrase for a new key file has at least \(Self.minBytes) bytes; take several words")
        }
    }

    /// Whether both are the same bytes: a passphrase that is asked for twice.
    package func matches(_ other: Passphrase) -> Bool { secret.holdsSameBytes(as: other.secret) }
}
