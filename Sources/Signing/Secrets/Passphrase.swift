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
        // Room for the line's end and for one byte too many.
        let secret = try SecretFile.read(path, capacity: Self.maxBytes + 3, isPrivate: isPrivate, code: .badPassphrase, what: "the passphrase")
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
