import ChainClient
import Dispatch
import Foundation
import Glibc
import Kernels
import Ledger
import Synchronization
import TensorFiles
import Wire

/// Outputs that the coordinator hasn't signed for yet, one file each, written through to the disk.
struct OutputFolder: Sendable {
    private let folder: String
    private let queue = DiskQueue("outputs")
    /// Where outputs are written while others of the machine's cores hash them.
    private let writer = DispatchQueue(label: "adit.miner.outputs.writer")
    /// Outputs up to this size are kept in the outbox itself, and travel inside the result.
    static let smallBytes = 16 << 10
    /// From here on outputs go past the page cache: the disk reads them out of the tensor while the cores hash it.
    private static let directBytes = 4 << 20

    /// - Throws: `io_failed` if the folder can't be made.
    init(_ folder: String) throws(Problem) {
        self.folder = folder
        try DataFolder.make(folder)
    }

    /// Writes a lease's outputs, hashes them meanwhile, and gives their entries. Synchronous: on a thread of its own.
    ///
    /// - Throws: `io_failed`, as when the disk is full; then no file is left.
    func keep(_ tensors: [Tensor], lease: String) throws(Problem) -> [OutboxEntry.Output] {
        // The coordinator chose the lease's name: it does not choose a file's.
        let name = "output_" + SHA256.hash(utf8: lease).hex.prefix(32)
        let files = tensors.indices.map { tensors[$0].buffer.byteCount > Self.smallBytes ? "\(name).\($0)" : nil }
        let written = Mutex(Result<Void, Problem>.success(()))
        let end = DispatchSemaphore(value: 0)
        let isNeeded = files.contains { $0 != nil }
        if isNeeded {
            writer.async {
                let outcome = write(tensors, to: files)
                written.withLock { $0 = outcome }
                end.signal()
            }
        }
        let roots = tensors.map(\.root)
        if isNeeded { end.wait() }
        try written.withLock { $0 }.get()
        return tensors.indices.map { index in
            let buffer = tensors[index].buffer
            guard let file = files[index] else { return OutboxEntry.Output(root: roots[index], byteCount: buffer.byteCount, place: .here(buffer.bytes)) }
            return OutboxEntry.Output(root: roots[index], byteCount: buffer.byteCount, file: file)
        }
    }

    /// Forgets outputs that come to nothing. Synchronous.
    func drop(_ outputs: [OutboxEntry.Output]) {
        for file in outputs.compactMap(\.file) { unsafe unlink("\(folder)/\(file)") }
    }

    private func write(_ tensors: [Tensor], to files: [String?]) -> Result<Void, Problem> {
        do throws(Problem) {
            for (tensor, file) in zip(tensors, files) {
                if let file { try write(tensor, to: "\(folder)/\(file)") }
            }
            try DataFolder.sync(folder)
            return .success(())
        } catch {
            // Half an output is of no use, and where the disk is full it is in the way.
            for file in files { if let file { unsafe unlink("\(folder)/\(file)") } }
            return .failure(error)
        }
    }

    private func write(_ tensor: Tensor, to path: String) throws(Problem) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Problem(.ioFailed, "an output could not be written (errno \(errno))") }
        defer { close(descriptor) }
        let direct = tensor.buffer.byteCount >= Self.directBytes ? DirectFile(path: path) : nil
        try unsafe tensor.buffer.withUnsafeBytes { (raw) throws(Problem) in
            var done = try unsafe direct?.write(raw, at: 0) ?? 0
            while done < raw.count {
                let count = unsafe pwrite(descriptor, raw.baseAddress?.advanced(by: done), min(raw.count - done, 1 << 30), off_t(done))
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw Problem(.ioFailed, "an output could not be written (errno \(errno))") }
                done += count
            }
        }
        guard fsync(descriptor) == 0 else { throw Problem(.ioFailed, "an output could not be written through (errno \(errno))") }
    }

    /// An output's bytes, to be sent. Throws `io_failed`.
    func source(_ output: OutboxEntry.Output) async throws(Problem) -> FileSource {
        guard let file = output.file else { throw Problem(.ioFailed, "an output has no file") }
        let path = "\(folder)/\(file)"
        return try await queue.run { () throws(Problem) in try FileSource(path: path, length: output.byteCount) }
    }

    /// Whether all of an entry's files are here and whole.
    func holds(_ entry: OutboxEntry) async -> Bool {
        let folder = folder
        return await queue.run {
            entry.outputs.allSatisfy { output in
                switch output.place {
                case .here: return true
                case .gone: return false
                case .file(let name): return PrivateFile.size("\(folder)/\(name)").map { $0 >= output.byteCount } ?? false
                }
            }
        }
    }

    /// Bytes of all files here.
    func size() async -> Int64 {
        let folder = folder
        return await queue.run {
            ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).reduce(0) { $0 + Int64(PrivateFile.size("\(folder)/\($1)") ?? 0) }
        }
    }

    /// `remove` for callers on Swift's shared pool.
    func discard(_ entry: OutboxEntry) async {
        if entry.outputs.contains(where: { $0.file != nil }) { await queue.run { self.remove(entry) } }
    }

    /// Takes an entry's files away: they are with the coordinator, or nobody wants them. Synchronous: on a thread of its own.
    func remove(_ entry: OutboxEntry) {
        drop(entry.outputs)
    }

    /// Takes away what a crash between writing an output and its entry has left. Call before any work starts.
    func removeStrays(keeping entries: [OutboxEntry]) {
        let kept = Set(entries.flatMap { $0.outputs.compactMap(\.file) })
        for file in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where !kept.contains(file) { unsafe unlink("\(folder)/\(file)") }
    }
}

/// Folders under the miner's data directory.
enum DataFolder {
    /// Makes a folder that only its owner may enter. Throws `io_failed`.
    static func make(_ path: String) throws(Problem) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Problem(.ioFailed, "a data folder can't be made: \(error.localizedDescription)")
        }
    }

    /// Writes a folder's list of names through to the disk. Throws `io_failed`.
    static func sync(_ path: String) throws(Problem) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem(.ioFailed, "a data folder can't be opened (errno \(errno))") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Problem(.ioFailed, "a data folder can't be written through (errno \(errno))") }
    }
}
