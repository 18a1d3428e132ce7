import Foundation
import Wire

/// Files the program itself reads and writes; services have their own.
enum Files {
    /// Why the last call of the system failed, in words.
    static func reason() -> String { unsafe String(cString: strerror(errno)) }

    /// The whole file. Throws `io_failed`, or `payload_too_large` before it is read when it is over `limit` bytes.
    static func read(_ path: String, limit: Int) throws(Problem) -> [UInt8] {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw Problem(.ioFailed, "\(path) can't be opened: \(reason())") }
        defer { try? handle.close() }
        do {
            let size = try handle.seekToEnd()
            guard size <= UInt64(limit) else { throw Problem(.payloadTooLarge, "\(path) has \(size) bytes, over the limit of \(limit)") }
            try handle.seek(toOffset: 0)
            return Array(try handle.readToEnd() ?? Data())
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.ioFailed, "\(path) can't be read: \(error.localizedDescription)")
        }
    }

    /// A secret's text without the space around it. Throws `bad_key_file` if others may read the file.
    static func readSecret(_ path: String) throws(Problem) -> String {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw Problem(.ioFailed, "\(path) can't be opened: \(reason())") }
        guard status.st_mode & 0o077 == 0 else { throw Problem(.badKeyFile, "\(path) can be read by others; run: chmod 600 \(path)") }
        return String(decoding: try read(path, limit: 4096), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Standard input, bounded.
    static func readStandardInput(limit: Int) throws(Problem) -> [UInt8] {
        var bytes: [UInt8] = []
        while let chunk = try? FileHandle.standardInput.read(upToCount: 65_536), !chunk.isEmpty {
            bytes += chunk
            guard bytes.count <= limit else { throw Problem(.payloadTooLarge, "standard input is over the limit of \(limit) bytes") }
        }
        return bytes
    }

    /// Written whole or not at all: to a new file beside it, synced, then renamed, and the folder synced.
    static func write(_ bytes: [UInt8], to path: String, mode: Int = 0o644, owner: (user: uid_t, group: gid_t)? = nil) throws(Problem) {
        let temporary = path + ".new"
        do {
            try? FileManager.default.removeItem(atPath: temporary)
            guard FileManager.default.createFile(atPath: temporary, contents: nil, attributes: [.posixPermissions: mode]),
                let handle = FileHandle(forWritingAtPath: temporary)
            else { throw Problem(.ioFailed, "\(temporary) can't be created") }
            // A group that isn't one's own may be lost; the owner may not.
            if let owner, owner != (geteuid(), getegid()), fchown(handle.fileDescriptor, owner.user, owner.group) != 0, owner.user != geteuid() {
                throw Problem(.ioFailed, "\(path) belongs to another user; run this as its owner")
            }
            try handle.write(contentsOf: bytes)
            try handle.synchronize()
            try handle.close()
            guard unsafe rename(temporary, path) == 0 else { throw Problem(.ioFailed, "\(path) can't be replaced") }
            try syncFolder((path as NSString).deletingLastPathComponent)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.ioFailed, "\(path) can't be written: \(error.localizedDescription)")
        }
    }

    /// Another content for a file that is there: whole or not at all, with its owner and its mode; a link goes on to lead to it.
    static func replace(_ bytes: [UInt8], at path: String) throws(Problem) {
        let place = URL(filePath: path).resolvingSymlinksInPath().path
        var status = stat()
        guard unsafe stat(place, &status) == 0 else { throw Problem(.ioFailed, "\(path) can't be opened") }
        try write(bytes, to: place, mode: Int(status.st_mode & 0o7777), owner: (status.st_uid, status.st_gid))
    }

    /// Runs `body` while no other adit does the same for the same file's folder.
    static func exclusively<Value>(_ path: String, _ body: () throws(Problem) -> Value) throws(Problem) -> Value {
        let folder = URL(filePath: path).resolvingSymlinksInPath().deletingLastPathComponent().path
        let descriptor = unsafe open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem(.ioFailed, "the folder of \(path) can't be opened") }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX) == 0 else { throw Problem(.ioFailed, "the folder of \(path) can't be locked") }
        return try body()
    }

    /// Writes a folder's list of names through to the disk; an empty path is the current folder. Throws `io_failed`.
    private static func syncFolder(_ path: String) throws(Problem) {
        let descriptor = unsafe open(path.isEmpty ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem(.ioFailed, "\(path) can't be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Problem(.ioFailed, "\(path) can't be written through") }
    }

    /// Makes a folder and those above it, for its owner alone. An empty path is the current folder.
    static func makeFolder(_ path: String) throws(Problem) {
        if path.isEmpty { return }
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Problem(.ioFailed, "the folder \(path) can't be made: \(error.localizedDescription)")
        }
    }

    /// A lock that ends with the process, so that two never share a data folder.
    static func lockFolder(_ path: String) throws(Problem) -> FileHandle {
        let file = path + "/lock"
        let descriptor = unsafe open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Problem(.ioFailed, "\(file) can't be opened") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw Problem(.ioFailed, "\(path) is in use by another adit; stop that one or give another folder")
        }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }
}
