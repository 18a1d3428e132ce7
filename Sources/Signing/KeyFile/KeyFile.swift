private import Glibc
package import Wire

/// A private key on disk, mode 0600: `adit-key-v2` under a passphrase, or `adit-key-v1` in the clear for devnets
/// (docs/PROTOCOL.md, "Key files").
///
/// Made whole or not at all, and never over another file: a lost key is lost money.
package enum KeyFile {
    /// What a key file holds.
    package enum Contents: Sendable {
        /// Whoever reads the file has the key.
        case plain(PrivateKey)
        case sealed(SealedKey)

        /// The public half, without a passphrase.
        package var publicKey: PublicKey {
            switch self {
            case .plain(let key): key.publicKey
            case .sealed(let key): key.publicKey
            }
        }
    }

    static let plainFormat = "adit-key-v1"
    private static let maxBytes = 4096

    /// Makes a plain file. Throws `key_file_exists` when there is a file already.
    package static func create(at path: String, key: PrivateKey) throws(Problem) {
        let text: JSON = ["format": .string(plainFormat), "seed": .string(key.seedHex), "address": .string(key.address.text)]
        try create(text, at: path)
    }

    /// Makes a file that only the passphrase opens. Throws `key_file_exists` when there is a file already, `bad_passphrase`.
    package static func create(at path: String, key: PrivateKey, passphrase: Passphrase, strength: KeyStrength = .standard) throws(Problem) {
        // Before half a second is spent for nothing.
        if unsafe access(path, F_OK) == 0 { throw exists(path) }
        try create(try SealedKey(key, passphrase: passphrase, strength: strength).json, at: path)
    }

    /// Puts the key under a new passphrase, in the same place: a new file is written, synced, read back and opened, then renamed over
    /// the old one. Whatever happens, one of the two is there.
    package static func change(at path: String, key: PrivateKey, passphrase: Passphrase, strength: KeyStrength = .standard) throws(Problem) {
        guard try read(path).publicKey == key.publicKey else { throw Problem(.badKeyFile, "\(path) holds another key now") }
        let temporary = path + ".new-" + SecureRandom.hex(bytes: 8)
        try write(try SealedKey(key, passphrase: passphrase, strength: strength).json.canonicalBytes + [0x0A], to: temporary)
        do throws(Problem) {
            guard case .sealed(let sealed) = try read(temporary), try sealed.open(passphrase).publicKey == key.publicKey else {
                throw Problem(.ioFailed, "\(temporary) was not written as it should be")
            }
            guard unsafe rename(temporary, path) == 0 else { throw failed("rename", path) }
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        try syncFolder(of: path)
    }

    /// Reads a file. Throws `bad_key_file` where others may read it or it is no key file, `io_failed`.
    ///
    /// - Parameter isPrivate: false for a service manager's credential, which its folder's mode keeps and whose access list shows as a bit
    ///   for the group.
    package static func read(_ path: String, isPrivate: Bool = true) throws(Problem) -> Contents {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failed("open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failed("fstat", path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Problem(.badKeyFile, "\(path) is not a file") }
        guard status.st_mode & (isPrivate ? 0o077 : 0o037) == 0 else {
            throw Problem(.badKeyFile, "\(path) can be read by others; run: chmod 600 \(path)")
        }
        guard status.st_size <= maxBytes else { throw Problem(.badKeyFile, "\(path) is too large for a key file") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = unsafe Glibc.read(descriptor, &bytes, bytes.count)
        guard count == bytes.count else { throw failed("read", path) }
        do throws(Problem) {
            return try decode(bytes)
        } catch {
            throw Problem(.badKeyFile, "\(path) is not a key file: \(error.detail)")
        }
    }

    /// The key of a plain file. Throws `passphrase_required` for an encrypted one.
    package static func load(_ path: String) throws(Problem) -> PrivateKey {
        switch try read(path) {
        case .plain(let key): return key
        case .sealed: throw Problem(.passphraseRequired, "\(path) is encrypted, and no passphrase was given")
        }
    }

    /// The plain key at `path`, made there first if there is none: for devnets.
    package static func loadOrCreate(_ path: String) throws(Problem) -> PrivateKey {
        if unsafe access(path, F_OK) == 0 { return try load(path) }
        let key = try PrivateKey.generate()
        try create(at: path, key: key)
        return key
    }

    /// Reads either format from a file's bytes.
    package static func decode(_ bytes: [UInt8]) throws(Problem) -> Contents {
        let json = try JSON.parse(bytes)
        guard json["format"]?.stringValue == plainFormat else { return .sealed(try SealedKey(json)) }
        var fields = try JSONFields(json, "key file")
        _ = try fields.string("format")
        let seed = try fields.hex("seed", bytes: 32)
        let address = try fields.address("address")
        try fields.finish()
        guard let key = PrivateKey(seedHex: seed), key.address == address else { throw Problem(.badKeyFile, "its address isn't its seed's") }
        return .plain(key)
    }
}

extension KeyFile {
    private static func exists(_ path: String) -> Problem { Problem(.keyFileExists, "\(path) exists; a key file is never overwritten") }

    private static func create(_ document: JSON, at path: String) throws(Problem) {
        let temporary = path + ".new-" + SecureRandom.hex(bytes: 8)
        try write(document.canonicalBytes + [0x0A], to: temporary)
        defer { unsafe unlink(temporary) }
        // link(2) fails where the name is taken, which rename(2) would not.
        guard unsafe link(temporary, path) == 0 else {
            if errno == EEXIST { throw exists(path) }
            throw failed("link", path)
        }
        try syncFolder(of: path)
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(Problem) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failed("create", path) }
        defer { close(descriptor) }
        guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            let problem = failed("write", path)
            unsafe unlink(path)
            throw problem
        }
    }

    private static func syncFolder(of path: String) throws(Problem) {
        let folder = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
        let descriptor = unsafe open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failed("open", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failed("fsync", folder) }
    }

    static func failed(_ call: String, _ path: String) -> Problem {
        let reason = unsafe String(cString: strerror(errno))
        return Problem(.ioFailed, "\(call) of \(path): \(reason)")
    }
}
