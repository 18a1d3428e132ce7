import Glibc
import HTTPServing
import HTTPTypes
import Hummingbird
import Signing
import Wire

// Bytes on their way in, in as many goes as it takes.
extension BlobService {
    /// `PUT /blobs/{root}/leaves?bytes=N`: the hashes of all leaves, 32 bytes each. Answers how much of the blob is here already.
    ///
    /// The leaves hash to the root in the path, so the signature binds them as it binds a blob's bytes.
    func declare(_ request: Request, _ root: Digest, _ context: ServingContext) async throws -> Response {
        let owner = try authenticator.verify(request, body: .boundByPath).address
        try limiter.charge(key: owner.text, peer: context.peer)
        guard let text = request.query("bytes"), let bytes = Int(text), bytes > TensorRoot.leafSize else {
            throw Problem(.badRequest, "bytes is the blob's size, over \(TensorRoot.leafSize): a smaller one is sent whole")
        }
        guard bytes <= limits.blobBytes else { throw Problem(.payloadTooLarge, "a blob may have at most \(limits.blobBytes) bytes") }
        let key = UploadKey(root: root, owner: owner)
        if let there = try await noteUse(of: root, by: owner) {
            try await dropRest(of: key)
            return Self.answer(root, there, received: there, .ok)
        }
        let leaves = try await Self.leaves(request, root, count: TensorRoot.leafCount(byteCount: bytes))
        try uploads.begin(key)
        defer { uploads.end(key) }
        let store = store
        let old = try await queue(root).run { () throws(Problem) in try store.upload(key) }
        try await reserve(key, bytes)
        if let receiver = uploads.receiver(key), old?.bytes == bytes, receiver.received < bytes {
            return Self.answer(root, bytes, received: receiver.received, .ok)
        }
        let result: Result<Int, any Error>
        do {
            result = .success(try await takeUp(key, leaves, bytes))
        } catch {
            result = .failure(error)
        }
        return Self.answer(root, bytes, received: try await settle(key, result, drops: [.ioFailed]), .ok)
    }

    private static func leaves(_ request: Request, _ root: Digest, count: Int) async throws -> [Digest] {
        let raw = try await request.readBody(limit: 32 * count)
        let leaves = stride(from: 0, to: raw.count - raw.count % 32, by: 32).compactMap { Digest(bytes: raw[$0..<$0 + 32]) }
        guard raw.count == 32 * count, leaves.count == count, MerkleTree.root(leafHashes: leaves) == root else {
            throw Problem(.blobMismatch, "these are not the \(count) leaf hashes of the root")
        }
        return leaves
    }

    /// Begins an upload, or goes on with what is in its file. Returns how many bytes are here.
    private func takeUp(_ key: UploadKey, _ leaves: [Digest], _ bytes: Int) async throws -> Int {
        let (path, direct) = (blobs.partialPath(key), bytes >= limits.directBytes)
        let file = try await queue(key.root).run { () throws(Problem) in
            unsafe access(path, F_OK) == 0 ? try BlobFile(old: path, direct: direct) : try BlobFile(new: path, direct: direct)
        }
        let receiver = try await BlobReceiver.resuming(file, expected: leaves, byteCount: bytes, on: queue(key.root), queues: queues)
        // All of it may be here: only the end was lost.
        if receiver.received == bytes { try await conclude(key, receiver) } else { uploads.keep(receiver, as: key) }
        return receiver.received
    }

    /// The next bytes of a blob whose leaves were said: each leaf is checked as it comes, and what was right stays.
    func resume(_ request: Request, _ key: UploadKey, _ range: ContentRange) async throws -> Response {
        guard try request.declaredLength() == range.count else {
            throw Problem(.badRequest, "the body's Content-Length must be its range's: \(range.count) bytes")
        }
        try uploads.begin(key)
        defer { uploads.end(key) }
        let store = store
        let known = try await queue(key.root).run { () throws(Problem) in try store.upload(key) }
        guard let known, let receiver = uploads.receiver(key) else {
            throw Problem(.blobIncomplete, "say the leaves first: PUT /blobs/\(key.root.hex)/leaves?bytes=\(range.total)")
        }
        guard range.total == known.bytes, range.first == receiver.received else {
            throw Problem(.blobIncomplete, "of \(known.bytes) bytes \(receiver.received) are here; go on from there")
        }
        try gate.enter(key.owner, bytes: 0)
        defer { gate.leave(key.owner, bytes: 0, kept: 0) }
        let result: Result<Void, any Error>
        do {
            try await receiver.receive(try request.bounded(limit: range.count), pace: pace())
            if receiver.received == known.bytes { try await conclude(key, receiver) }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try await settle(key, result, drops: [.ioFailed])
        guard receiver.received == known.bytes else { return Self.answer(key.root, known.bytes, received: receiver.received, .accepted) }
        return Self.answer(key.root, known.bytes, "stored", .created)
    }

    // MARK: the end

    /// Makes a whole upload visible, and its reservation the blob's. Who asked may leave meanwhile: it is one step for the books.
    func conclude(_ key: UploadKey, _ receiver: BlobReceiver) async throws {
        try await Task {
            let isNew = try await finish(receiver, at: blobs.partialPath(key), root: key.root, owner: key.owner)
            uploads.forget(key)
            if !isNew { gate.release(key.owner, bytes: receiver.received) }
            let store = store
            try await queue(key.root).run { () throws(Problem) in try store.removeUpload(key) }
        }.value
    }

    /// Ends one go: after a failure that leaves nothing to go on with, all that came is dropped; after any other it has its time anew.
    ///
    /// A disk that is full gets its room back at once, and what a failed sync may have lost is never taken for written.
    /// - Throws: what `result` holds.
    func settle<Value>(_ key: UploadKey, _ result: Result<Value, any Error>, drops codes: Set<Problem.Code>) async throws -> Value {
        if case .failure(let problem as Problem) = result, codes.contains(problem.code) {
            // Where the store fails too, the row goes with the next go, the sweep or the start; the file is gone already.
            try? await discard(key)
        } else {
            let (store, now) = (store, clock.nowMilliseconds)
            try? await queue(key.root).run { () throws(Problem) in try store.touchUpload(key, now: now) }
        }
        return try result.get()
    }

    /// Takes room for an upload that may outlive its connection and this run.
    func reserve(_ key: UploadKey, _ bytes: Int) async throws {
        let (store, now) = (store, clock.nowMilliseconds)
        let (old, count) = try await queue(key.root).run { () throws(Problem) in (try store.upload(key)?.bytes, try store.uploads(of: key.owner)) }
        guard old != nil || count < limits.partialUploadsPerKey else {
            throw Problem(.quotaExceeded, "this key has too many unfinished uploads; finish one, or let them expire")
        }
        if old == nil, let free = blobs.freeBytes(), free - limits.diskReserveBytes < bytes {
            throw Problem(.quotaExceeded, "the coordinator's disk has no room for \(bytes) bytes; try again later, or elsewhere")
        }
        try gate.reserve(key.owner, bytes: bytes, insteadOf: old ?? 0)
        do {
            try await queue(key.root).run { () throws(Problem) in try store.save(StoredUpload(key: key, bytes: bytes, used: now)) }
        } catch {
            gate.release(key.owner, bytes: bytes - (old ?? 0))
            throw error
        }
    }

    /// Drops what has come of an upload.
    private func discard(_ key: UploadKey) async throws {
        uploads.forget(key)
        let (store, path) = (store, blobs.partialPath(key))
        let bytes = try await queue(key.root).run { () throws(Problem) -> Int in
            let bytes = try store.upload(key)?.bytes
            _ = unsafe unlink(path)
            try store.removeUpload(key)
            return bytes ?? 0
        }
        gate.release(key.owner, bytes: bytes)
    }

    /// Drops a key's upload of a blob that has come by another way meanwhile.
    func dropRest(of key: UploadKey) async throws {
        let store = store
        guard try await queue(key.root).run({ () throws(Problem) in try store.upload(key) }) != nil, (try? uploads.begin(key)) != nil else { return }
        defer { uploads.end(key) }
        try await discard(key)
    }

    /// Drops uploads that nobody has gone on with for long.
    func sweepUploads() async throws {
        let (store, before) = (store, clock.nowMilliseconds - limits.uploadGraceMilliseconds)
        let old = try await queues[0].run { () throws(Problem) in try store.uploads().filter { $0.used < before } }
        for upload in old where (try? uploads.begin(upload.key)) != nil {
            defer { uploads.end(upload.key) }
            try await discard(upload.key)
        }
    }

    private static func answer(_ root: Digest, _ bytes: Int, received: Int, _ code: HTTPResponse.Status) -> Response {
        let status = received == bytes ? "stored" : "incomplete"
        return .json(
            ["root": .string(root.hex), "bytes": .integer(Int64(bytes)), "received": .integer(Int64(received)), "status": .string(status)], status: code)
    }
}
