import Glibc
import HTTPServing
import HTTPTypes
import Hummingbird
import Signing
import Wire

// Bytes on their way in, whole.
extension BlobService {
    /// `PUT /blobs/{root}`: a whole body, or with `Content-Range` the next piece of one whose leaves were said.
    ///
    /// Its signature covers the root in the path, and the root covers the bytes.
    func put(_ request: Request, _ root: Digest, _ context: ServingContext) async throws -> Response {
        let owner = try authenticator.verify(request, body: .boundByPath).address
        try limiter.charge(key: owner.text, peer: context.peer)
        let key = UploadKey(root: root, owner: owner)
        if let bytes = try await noteUse(of: root, by: owner) {
            try await dropRest(of: key)
            return Self.answer(root, bytes, "exists", .ok)
        }
        if let range = request.header("content-range") { return try await resume(request, key, try ContentRange(range)) }
        let declared = try request.declaredLength()
        let body = try request.bounded(limit: limits.blobBytes)
        if let declared, declared >= limits.resumableBytes { return try await putLarge(body, key, declared) }
        let reserved = declared ?? limits.blobBytes
        try gate.enter(owner, bytes: reserved)
        var kept = 0
        defer { gate.leave(owner, bytes: reserved, kept: kept) }
        let path = blobs.temporaryPath()
        defer { _ = unsafe unlink(path) }
        let file = try await queue(root).run { () throws(Problem) in try BlobFile(new: path, direct: false) }
        let receiver = BlobReceiver(file, expected: nil, queues: queues)
        try await receiver.receive(body, pace: pace())
        if try await finish(receiver, at: path, root: root, owner: owner) { kept = receiver.received }
        return Self.answer(root, receiver.received, "stored", .created)
    }

    /// A large body without its leaves' hashes: its root tells at the end. What arrives before it is cut stays, and the client can
    /// go on from there once it has said the leaves.
    private func putLarge(_ body: BoundedBody, _ key: UploadKey, _ bytes: Int) async throws -> Response {
        try uploads.begin(key)
        defer { uploads.end(key) }
        try gate.enter(key.owner, bytes: 0)
        defer { gate.leave(key.owner, bytes: 0, kept: 0) }
        uploads.forget(key)
        try await reserve(key, bytes)
        let (path, direct) = (blobs.partialPath(key), bytes >= limits.directBytes)
        let result: Result<Void, any Error>
        do {
            let file = try await queue(key.root).run { () throws(Problem) in try BlobFile(new: path, direct: direct) }
            let receiver = BlobReceiver(file, expected: nil, queues: queues)
            try await receiver.receive(body, pace: pace())
            try await conclude(key, receiver)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try await settle(key, result, drops: [.ioFailed, .blobMismatch])
        return Self.answer(key.root, bytes, "stored", .created)
    }

    /// Checks the root, syncs, notes the blob and moves it to its place. Returns whether it counts for `owner`.
    ///
    /// Throws `blob_mismatch` if the bytes do not hash to the root, and `io_failed`; the file is the caller's then.
    func finish(_ receiver: BlobReceiver, at path: String, root: Digest, owner: Address) async throws -> Bool {
        let (store, blobs, now) = (store, blobs, clock.nowMilliseconds)
        return try await queue(root).run { () throws(Problem) -> Bool in
            let (leaves, bytes) = (receiver.leaves, receiver.received)
            let found = MerkleTree.root(leafHashes: leaves)
            guard found == root else { throw Problem(.blobMismatch, "these \(bytes) bytes have the root \(found.hex)") }
            try receiver.file.sync()
            // The note comes first: a blob without one would never be cleared away.
            let isNew = try store.saveBlob(StoredBlob(root: root, bytes: bytes, owner: owner), now: now)
            do throws(Problem) {
                try blobs.adopt(path, root: root, leaves: leaves)
            } catch {
                // Where the disk is too full to take the note back, it goes as unused blobs do.
                if isNew { try? store.forgetBlob(root) }
                throw error
            }
            return isNew
        }
    }

    /// Keeps a few bytes that did not come by `PUT`; they count for `owner`.
    func keep(_ bytes: [UInt8], for owner: Address) async throws {
        let root = TensorRoot.root(of: bytes)
        if try await noteUse(of: root, by: owner) != nil { return }
        var kept = 0
        try gate.enter(owner, bytes: bytes.count)
        defer { gate.leave(owner, bytes: bytes.count, kept: kept) }
        let (store, blobs, now) = (store, blobs, clock.nowMilliseconds)
        let isNew = try await queue(root).run { () throws(Problem) -> Bool in
            let path = blobs.temporaryPath()
            try File.write(bytes, to: path)
            let isNew = try store.saveBlob(StoredBlob(root: root, bytes: bytes.count, owner: owner), now: now)
            try blobs.adopt(path, root: root, leaves: unsafe bytes.withUnsafeBytes { unsafe TensorRoot.leafHashes(of: $0) })
            return isNew
        }
        kept = isNew ? bytes.count : 0
    }

    /// The size of a blob that is here, noted as used; `nil` if it is not.
    func noteUse(of root: Digest, by owner: Address) async throws -> Int? {
        guard let bytes = blobs.fileBytes(root) else { return nil }
        let (store, now) = (store, clock.nowMilliseconds)
        let isNew = try await queue(root).run { () throws(Problem) in try store.saveBlob(StoredBlob(root: root, bytes: bytes, owner: owner), now: now) }
        if isNew { gate.add(owner, bytes: bytes) }
        return bytes
    }

    /// Refuses a sender that is too slow after its first half minute.
    func pace() -> (Int) throws(Problem) -> Void {
        let (clock, least, start) = (clock, limits.uploadBytesPerSecond, clock.nowMilliseconds)
        return { (received) throws(Problem) in
            let spent = clock.nowMilliseconds - start
            guard spent < 30_000 || received / Int(spent / 1000) >= least else {
                throw Problem(.timeout, "an upload must come faster than \(least) bytes a second")
            }
        }
    }

    static func answer(_ root: Digest, _ bytes: Int, _ status: String, _ code: HTTPResponse.Status) -> Response {
        .json(["root": .string(root.hex), "bytes": .integer(Int64(bytes)), "status": .string(status)], status: code)
    }
}
