import Dispatch
import Foundation
import Glibc
import HTTPServing
import Synchronization
import Wire

/// Tensors on the disk, addressed by their roots: `blobs/ab/abcdef…`, complete and synced, or not there at all.
///
/// Beside a blob of more than one leaf stand its leaf hashes, so that any range of it can be checked.
final class BlobStore: Sendable {
    private let directory: String
    private let serial = Atomic<UInt64>(0)
    /// Looks for a blob that is kept in the database.
    private let small: @Sendable (Digest) throws(Problem) -> [UInt8]?

    /// Makes the directories and clears what small uploads of an earlier run left half done. Throws `io_failed`.
    init(directory: String, small: @escaping @Sendable (Digest) throws(Problem) -> [UInt8]?) throws(Problem) {
        self.directory = directory
        self.small = small
        do {
            let manager = FileManager.default
            let unfinished = directory + "/incoming"
            if manager.fileExists(atPath: unfinished) { try manager.removeItem(atPath: unfinished) }
            try manager.createDirectory(atPath: unfinished, withIntermediateDirectories: true)
            try manager.createDirectory(atPath: directory + "/partial", withIntermediateDirectories: true)
        } catch {
            throw Problem(.ioFailed, "the blob directory: \(error)")
        }
        // A process that was killed between a rename and its sync left a blob that is seen and may not be on the disk yet.
        for folder in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] where folder.count == 2 {
            try File.sync(directory: directory + "/" + folder)
        }
        try File.sync(directory: directory)
    }

    /// Makes a folder where there is none. Throws `io_failed`.
    static func makeFolder(_ path: String) throws(Problem) {
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            throw Problem(.ioFailed, "the data directory: \(error)")
        }
    }

    /// Where a blob is or would be.
    func path(_ root: Digest) -> String { "\(directory)/\(root.hex.prefix(2))/\(root.hex)" }

    /// Where the hashes of its leaves are or would be.
    private func leavesPath(_ root: Digest) -> String { path(root) + ".leaves" }

    /// A name for a new upload, used by nobody else.
    func temporaryPath() -> String {
        "\(directory)/incoming/\(serial.wrappingAdd(1, ordering: .relaxed).newValue)"
    }

    /// Where a large upload keeps what has arrived.
    func partialPath(_ key: UploadKey) -> String { "\(directory)/partial/\(key.fileName)" }

    /// What the disk has left for files; `nil` where its file system doesn't say.
    func freeBytes() -> Int? { DiskWatch.freeBytes(at: directory) }

    /// Removes the partial files that are none of `keys`, and tells which of these have no file.
    func tidyPartials(_ keys: Set<UploadKey>) throws(Problem) -> Set<UploadKey> {
        let names = Dictionary(keys.map { ($0.fileName, $0) }) { first, _ in first }
        let found: [String]
        do { found = try FileManager.default.contentsOfDirectory(atPath: directory + "/partial") } catch {
            throw Problem(.ioFailed, "the blob directory: \(error)")
        }
        for name in found where names[name] == nil {
            guard unsafe unlink(directory + "/partial/" + name) == 0 || errno == ENOENT else { throw Self.failure("unlink") }
        }
        return keys.subtracting(found.compactMap { names[$0] })
    }

    /// The size in bytes of the blob's file; `nil` if there is none. Quick: it may be asked for anywhere.
    func fileBytes(_ root: Digest) -> Int? {
        var info = stat()
        guard unsafe stat(path(root), &info) == 0 else { return nil }
        return Int(info.st_size)
    }

    /// The blob's size in bytes, wherever it is kept; `nil` if it is not here. May wait for the database.
    func byteCount(_ root: Digest) -> Int? { fileBytes(root) ?? smallBytes(root)?.count }

    /// A small blob's bytes; `nil` where it is not kept in the database, or that can't be read. May wait for the database.
    func smallBytes(_ root: Digest) -> [UInt8]? { try? small(root) }

    /// The hashes of a blob's leaves, in order, 32 bytes each: at most 1/2048 of the blob.
    ///
    /// - Throws: `unknown_blob`; `io_failed` if the file beside it does not fit.
    func leaves(_ root: Digest) throws(Problem) -> [UInt8] {
        guard let bytes = byteCount(root) else { throw Problem(.unknownBlob, "no blob has this root") }
        let count = TensorRoot.leafCount(byteCount: bytes)
        if count == 0 { return [] }
        if count == 1 { return root.bytes }
        guard let data = FileManager.default.contents(atPath: leavesPath(root)), data.count == 32 * count else {
            throw Problem(.ioFailed, "the leaf hashes of a blob are damaged")
        }
        return Array(data)
    }

    /// Removes a blob, if it is there; who reads it goes on reading. Throws `io_failed`.
    func remove(_ root: Digest) throws(Problem) {
        for path in [path(root), leavesPath(root)] {
            guard unsafe unlink(path) == 0 || errno == ENOENT else { throw Self.failure("unlink") }
        }
    }

    /// Moves a finished and synced upload to its place. Throws `io_failed`.
    func adopt(_ temporary: String, root: Digest, leaves: [Digest]) throws(Problem) {
        let target = path(root)
        let folder = String(target.dropLast(root.hex.utf8.count + 1))
        guard unsafe mkdir(folder, 0o755) == 0 || errno == EEXIST else { throw Self.failure("mkdir") }
        if leaves.count > 1 {
            let hashes = temporary + ".leaves"
            try File.write(leaves.flatMap(\.bytes), to: hashes)
            guard unsafe rename(hashes, leavesPath(root)) == 0 else { throw Self.failure("rename") }
        }
        let isNew = byteCount(root) == nil
        guard unsafe rename(temporary, target) == 0 else { throw Self.failure("rename") }
        do throws(Problem) {
            try File.sync(directory: folder)
            try File.sync(directory: directory)
        } catch {
            // A blob that is seen is a blob that stays: one whose name may not be on the disk is taken away again.
            if isNew { _ = unsafe unlink(target) }
            throw error
        }
    }

    static func failure(_ call: String) -> Problem {
        let code = errno
        return Problem(.ioFailed, "\(call) failed with errno \(code)")
    }
}

/// The few calls on files that must reach the disk before anything is said.
enum File {
    /// Writes a whole new file and syncs it.
    static func write(_ bytes: [UInt8], to path: String) throws(Problem) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw BlobStore.failure("open") }
        defer { close(descriptor) }
        let result: Result<Void, Problem> = unsafe bytes.withUnsafeBytes { raw in
            do throws(Problem) {
                return .success(try unsafe append(raw, to: descriptor))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
        guard fsync(descriptor) == 0 else { throw BlobStore.failure("fsync") }
    }

    /// Writes all of `raw` at the file's end.
    static func append(_ raw: UnsafeRawBufferPointer, to descriptor: Int32) throws(Problem) {
        var rest = unsafe raw[...]
        while unsafe !rest.isEmpty {
            let piece = unsafe UnsafeRawBufferPointer(rebasing: rest)
            let written = unsafe Glibc.write(descriptor, piece.baseAddress, piece.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw BlobStore.failure("write")
            }
            unsafe rest = rest.dropFirst(written)
        }
    }

    static func sync(directory: String) throws(Problem) {
        let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw BlobStore.failure("open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw BlobStore.failure("fsync") }
    }
}
