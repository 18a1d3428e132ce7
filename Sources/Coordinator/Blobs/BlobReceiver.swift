import HTTPServing
import NIOCore
import Synchronization
import TensorFiles
import Wire

/// Takes a body into a file: while one piece comes in, those before it are hashed and written, on two threads.
///
/// Leaves are independent of one another, so pieces may be done in any order; `received` grows by what is whole up to there.
final class BlobReceiver: Sendable {
    /// Eight leaves a piece, and four pieces under way: what one upload holds in memory.
    private static let pieceBytes = 8 * TensorRoot.leafSize
    private static let piecesUnderWay = 4

    private struct Piece {
        let leaves: [Digest]
        let bytes: Int
    }

    private struct Progress {
        var bytes: Int
        /// The hashes of the leaves up to `bytes`, where none were expected.
        var found: [Digest] = []
        /// Pieces behind a gap, by their first byte.
        var ahead: [Int: Piece] = [:]
    }

    let file: BlobFile
    /// The hashes that the leaves must have; `nil`: whatever comes is taken, and its root tells later.
    let expected: [Digest]?
    private let queues: [WorkQueue]
    private let progress: Mutex<Progress>

    /// - Parameter bytes: so much of the blob's start is in the file, and is as `expected`; a multiple of the leaf's size, or all.
    init(_ file: BlobFile, expected: [Digest]?, bytes: Int = 0, queues: [WorkQueue]) {
        self.file = file
        self.expected = expected
        self.queues = queues
        progress = Mutex(Progress(bytes: bytes))
    }

    /// Bytes from the blob's start on that are hashed, right as far as that is known, and written.
    var received: Int { progress.withLock { $0.bytes } }

    /// The hashes of the leaves received so far.
    var leaves: [Digest] {
        guard let expected else { return progress.withLock { $0.found } }
        return Array(expected.prefix(TensorRoot.leafCount(byteCount: received)))
    }

    /// Takes a body that goes on where `received` stands. All that was written when this returns or throws stays as it is: of a body
    /// that ends too early, every whole leaf.
    ///
    /// - Parameter pace: is told of the bytes so far; throws for a sender that is too slow.
    /// - Throws: `blob_mismatch` at the first leaf that is not the expected one; `io_failed`; what body and pace throw.
    func receive(_ body: BoundedBody, pace: (Int) throws(Problem) -> Void) async throws {
        // What lay behind a gap comes again.
        progress.withLock { $0.ahead = [:] }
        let result: Result<Void, any Error>
        do {
            result = .success(try await take(body, pace: pace))
        } catch {
            result = .failure(error)
        }
        // What a piece still writes must not meet what comes next, nor may a cancelled caller leave before it.
        let queues = self.queues
        await Task { for queue in queues { try? await queue.run { () throws(Problem) in } } }.value
        try result.get()
    }

    private func take(_ body: BoundedBody, pace: (Int) throws(Problem) -> Void) async throws {
        try await withThrowingTaskGroup(of: AlignedBytes.self) { group in
            var offset = received
            var count = 0
            var underWay = 0
            var piece = try AlignedBytes(capacity: Self.pieceBytes)
            var end: (any Error)?
            do {
                for try await chunk in body {
                    count += chunk.readableBytes
                    try pace(count)
                    var taken = 0
                    while taken < chunk.readableBytes {
                        taken += unsafe chunk.withUnsafeReadableBytes { raw in unsafe piece.append(UnsafeRawBufferPointer(rebasing: raw[taken...])) }
                        guard piece.count == Self.pieceBytes else { continue }
                        let next: AlignedBytes
                        // The memory of a piece that is written is used again.
                        if underWay == Self.piecesUnderWay, let written = try await group.next() {
                            written.truncate(to: 0)
                            next = written
                        } else {
                            next = try AlignedBytes(capacity: Self.pieceBytes)
                            underWay += 1
                        }
                        start(piece, at: offset, in: &group)
                        offset += piece.count
                        piece = next
                    }
                }
            } catch {
                piece.truncate(to: piece.count - piece.count % TensorRoot.leafSize)
                end = error
            }
            if piece.count > 0 { start(piece, at: offset, in: &group) }
            try await group.waitForAll()
            if let end { throw end }
        }
    }

    private func start(_ piece: AlignedBytes, at offset: Int, in group: inout ThrowingTaskGroup<AlignedBytes, any Error>) {
        let queue = queues[offset / Self.pieceBytes % queues.count]
        group.addTask {
            try await queue.run { () throws(Problem) in try self.keep(piece, at: offset) }
            return piece
        }
    }

    /// Hashes a piece's leaves and writes them, up to the first wrong one.
    private func keep(_ piece: AlignedBytes, at offset: Int) throws(Problem) {
        var leaves: [Digest] = []
        var wrong: Problem?
        let result: Result<Int, Problem> = unsafe piece.withUnsafeBytes { raw in
            var good = 0
            while good < raw.count {
                let leaf = unsafe UnsafeRawBufferPointer(rebasing: raw[good..<min(good + TensorRoot.leafSize, raw.count)])
                let hash = unsafe MerkleTree.leafHash(leaf)
                let index = (offset + good) / TensorRoot.leafSize
                if let expected, index >= expected.count || expected[index] != hash {
                    wrong = Problem(.blobMismatch, "leaf \(index), at byte \(offset + good), is not the blob's; what came before it is kept")
                    break
                }
                leaves.append(hash)
                good += leaf.count
            }
            do throws(Problem) {
                try unsafe file.write(UnsafeRawBufferPointer(rebasing: raw[..<good]), at: offset)
                return .success(good)
            } catch {
                return .failure(error)
            }
        }
        let done = Piece(leaves: leaves, bytes: try result.get())
        progress.withLock { progress in
            progress.ahead[offset] = done
            while let next = progress.ahead.removeValue(forKey: progress.bytes), next.bytes > 0 {
                if expected == nil { progress.found += next.leaves }
                progress.bytes += next.bytes
            }
        }
        if let wrong { throw wrong }
    }
}
