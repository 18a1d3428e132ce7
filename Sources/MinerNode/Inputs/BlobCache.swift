import ChainClient
import Foundation
import Synchronization
import Wire

/// Inputs on disk, by their root, for this job and later ones; the least recently used go first when it is full.
final class BlobCache: Sendable {
    private let folder: String
    private let maxBytes: Int64

    /// - Throws: `io_failed` if the folder can't be made.
    init(_ folder: String, maxBytes: Int64) throws(Problem) {
        self.folder = folder
        self.maxBytes = maxBytes
        try DataFolder.make(folder)
        for file in list() where file.name.hasSuffix(".part") { unsafe unlink("\(folder)/\(file.name)") }
    }

    /// The file that holds, or will hold, a blob.
    func path(_ root: Digest) -> String { "\(folder)/\(root.hex)" }

    /// Where a blob's bytes are, once they are here and checked against its root as they came.
    ///
    /// - Throws: what the download throws; `blob_mismatch` for bytes that aren't the root's.
    func fetch(_ root: Digest, byteCount: Int, from coordinator: CoordinatorClient) async throws(Problem) -> String {
        let path = path(root)
        if FileManager.default.fileExists(atPath: path) {
            // A new date keeps it; its bytes are checked again when they are mapped.
            unsafe utimes(path, nil)
            return path
        }
        makeRoom(for: Int64(byteCount))
        try await coordinator.downloadBlob(root, byteCount: byteCount, to: path)
        return path
    }

    /// Takes a file away whose bytes turned out to be wrong.
    func drop(_ root: Digest) { unsafe unlink(path(root)) }

    /// Removes old files until `bytes` more fit. A file in use stays readable for who has it mapped.
    private func makeRoom(for bytes: Int64) {
        var files = list().sorted { $0.date < $1.date }
        var total = files.reduce(0) { $0 + $1.size }
        while total > maxBytes - min(bytes, maxBytes), !files.isEmpty {
            let file = files.removeFirst()
            unsafe unlink("\(folder)/\(file.name)")
            total -= file.size
        }
    }

    private func list() -> [(name: String, size: Int64, date: Int)] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap { name in
            var info = stat()
            guard unsafe lstat("\(folder)/\(name)", &info) == 0 else { return nil }
            return (name, Int64(info.st_size), info.st_mtim.tv_sec)
        }
    }
}
