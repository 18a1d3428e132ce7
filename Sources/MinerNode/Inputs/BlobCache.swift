import ChainClient
import Foundation
import Synchronization
package import Wire

/// Inputs on disk, by their root, for this job and later ones; the least recently used go first when it is full.
package final class BlobCache: Sendable {
    private let folder: String
    private let bound: Atomic<Int64>
    private let queue = DiskQueue("blobs")
    let downloads = DownloadMeter()
    /// The roots that leases in work need, by how many of them do.
    private let pins = Mutex<[Digest: Int]>([:])

    /// - Throws: `io_failed` if the folder can't be made.
    package init(_ folder: String, maxBytes: Int64) throws(Problem) {
        self.folder = folder
        bound = Atomic(maxBytes)
        try DataFolder.make(folder)
        for file in list() where file.isPartial { unsafe unlink("\(folder)/\(file.name)") }
    }

    /// The most bytes from now on; what is too much goes with the next download, or at once by `makeRoom`.
    package var maxBytes: Int64 {
        get { bound.load(ordering: .relaxed) }
        set { bound.store(max(0, newValue), ordering: .relaxed) }
    }

    /// `makeRoom` for nothing more, for callers on Swift's shared pool.
    func shrink() async { await queue.run { self.makeRoom(for: 0) } }

    /// Bytes of all files here.
    func size() async -> Int64 { await queue.run { self.list().reduce(0) { $0 + $1.size } } }

    /// The file that holds, or will hold, a blob.
    package func path(_ root: Digest) -> String { "\(folder)/\(root.hex)" }

    /// Keeps these where they are, or will be, until `unpin`. Pins count.
    package func pin(_ roots: some Sequence<Digest>) { pins.withLock { pins in for root in roots { pins[root, default: 0] += 1 } } }

    package func unpin(_ roots: some Sequence<Digest>) {
        pins.withLock { pins in
            for root in roots { pins[root] = pins[root].flatMap { $0 > 1 ? $0 - 1 : nil } }
        }
    }

    /// Brings a blob here, checked against its root as it comes. Pin it first: another download may need the room.
    ///
    /// - Throws: what the download throws; `blob_mismatch` for bytes that aren't the root's.
    func fetch(_ root: Digest, byteCount: Int, from coordinator: CoordinatorClient) async throws(Problem) {
        let path = path(root)
        let isHere = await queue.run {
            if FileManager.default.fileExists(atPath: path) {
                // A new date keeps it; its bytes are checked again when they are mapped.
                unsafe utimes(path, nil)
                return true
            }
            self.makeRoom(for: Int64(byteCount))
            return false
        }
        guard !isHere else { return }
        let begin = ContinuousClock.now
        try await coordinator.downloadBlob(root, byteCount: byteCount, to: path)
        downloads.add(bytes: byteCount, took: .now - begin)
    }

    /// Takes a file away whose bytes turned out to be wrong.
    func drop(_ root: Digest) { unsafe unlink(path(root)) }

    /// Removes old files until `bytes` more fit, but none that is pinned or still arrives: the bound gives way to work.
    ///
    /// A file in use stays readable for who has it mapped.
    package func makeRoom(for bytes: Int64) {
        let pinned = pins.withLock { Set($0.keys.map(\.hex)) }
        let files = list().sorted { $0.date < $1.date }
        var total = files.reduce(0) { $0 + $1.size }
        let maxBytes = maxBytes
        for file in files where !file.isPartial && !pinned.contains(file.name) {
            guard total > maxBytes - min(bytes, maxBytes) else { return }
            unsafe unlink("\(folder)/\(file.name)")
            total -= file.size
        }
    }

    private struct Kept {
        let name: String
        let size: Int64
        let date: Int
        var isPartial: Bool { name.hasSuffix(".part") }
    }

    private func list() -> [Kept] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap { name in
            var info = stat()
            guard unsafe lstat("\(folder)/\(name)", &info) == 0 else { return nil }
            return Kept(name: name, size: Int64(info.st_size), date: info.st_mtim.tv_sec)
        }
    }
}
