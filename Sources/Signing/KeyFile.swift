private import Glibc
package import Wire

/// A private key on disk: canonical JSON `{"format":"adit-key-v1","seed":…,"address":…}`, mode 0600.
///
/// Made whole or not at all, and never over another file: a lost key is lost money.
package enum KeyFile {
    private static let format = "adit-key-v1"
    private static let maxBytes = 4096

    /// Throws `key_file_exists` when there is a file already.
    package static func create(at path: String, key: PrivateKey) throws(Problem) {
        let text = JSON(dictionaryLiteral: ("format", .string(format)), ("seed", .string(key.seedHex)), ("address", .string(key.address.text)))
        let temporary = path + ".new-" + SecureRandom.hex(bytes: 8)
        try write(text.canonicalBytes + [0x0A], to: temporary)
        defer { unsafe unlink(temporary) }
        // link(2) fails where the name is taken, which rename(2) would not.
        guard unsafe link(temporary, path) == 0 else {
            if errno == EEXIST { throw Problem(.keyFileExists, "\(path) exists; a key file is never overwritten") }
            throw failed("link", path)
        }
        try syncFolder(of: path)
    }

    package static func load(_ path: String) throws(Problem) -> PrivateKey {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failed("open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failed("fstat", path) }
        guard status.st_mode & 0o077 == 0 else {
            throw Problem(.badKeyFile, "\(path) can be read by others; run: chmod 600 \(path)")
        }
        guard status.st_size <= maxBytes else { throw Problem(.badKeyFile, "\(path) is too large for a key file") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = unsafe read(descriptor, &bytes, bytes.count)
        guard count == bytes.count else { throw failed("read", path) }
        return try decode(bytes, path)
    }

    /// The key at `path`, made there first if there is none.
    package static func loadOrCreate(_ path: String) throws(Problem) -> PrivateKey {
        if unsafe access(path, F_OK) == 0 { return try load(path) }
        let key = try PrivateKey.generate()
        try create(at: path, key: key)
        return key
    }

    private static func decode(_ bytes: [UInt8], _ path: String) throws(Problem) -> PrivateKey {
        do throws(Problem) {
            var fields = try JSONFields(try JSON.parse(bytes), "key file")
            guard try fields.string("format") == format else { throw Problem(.badKeyFile, "an unknown format") }
            let seed = try fields.hex("seed", bytes: 32)
            let address = try fields.address("address")
            try fields.finish()
            guard let key = PrivateKey(seedHex: seed), key.address == address else { throw Problem(.badKeyFile, "its address isn't its seed's") }
            return key
        } catch {
            throw Problem(.badKeyFile, "\(path) is not a key file: \(error.detail)")
        }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(Problem) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failed("create", path) }
        defer { close(descriptor) }
        guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            unsafe unlink(path)
            throw failed("write", path)
        }
    }

    private static func syncFolder(of path: String) throws(Problem) {
        let folder = path.contains("/") ? String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
        let descriptor = unsafe open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failed("open", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failed("fsync", folder) }
    }

    private static func failed(_ call: String, _ path: String) -> Problem {
        let reason = unsafe String(cString: strerror(errno))
        return Problem(.ioFailed, "\(call) of \(path): \(reason)")
    }
}
