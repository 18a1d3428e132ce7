import HTTPServing
import HTTPTypes
import Hummingbird
import Signing
import Wire

/// `PUT` and `GET` of tensors by their roots.
struct BlobService: Sendable {
    let blobs: BlobStore
    let store: any JobStore
    let gate: UploadGate
    let authenticator: RequestAuthenticator
    let limits: CoordinatorLimits
    let clock: any ServiceClock
    private let files = FileIO()
    /// Uploads write and hash here, the store's questions are asked here: two, so that one slow disk call does not stop all.
    private let queues = [WorkQueue("adit.coordinator.blobs.0"), WorkQueue("adit.coordinator.blobs.1")]

    /// Throws `io_failed`.
    init(blobs: BlobStore, store: any JobStore, authenticator: RequestAuthenticator, limits: CoordinatorLimits, clock: any ServiceClock) throws(Problem) {
        self.blobs = blobs
        self.store = store
        self.authenticator = authenticator
        self.limits = limits
        self.clock = clock
        gate = UploadGate(limits: limits, kept: try store.blobBytes())
    }

    func add(to routes: Routes) {
        routes.put("/blobs/{root}") { request, context in try await put(request, try root(context)) }
        routes.get("/blobs/{root}") { request, context in try await get(request, try root(context), context) }
        routes.get("/blobs/{root}/leaves") { _, context in
            let root = try root(context)
            let blobs = blobs
            let leaves = try await queue(root).run { () throws(Problem) in try blobs.leaves(root) }
            return .json(["root": .string(root.hex), "leaves": .array(leaves.map { .string($0.hex) })])
        }
    }

    private func root(_ context: ServingContext) throws(Problem) -> Digest {
        guard let root = Digest(hex: try context.parameter("root")) else { throw Problem(.badHex, "a root is 64 lower-case hex digits") }
        return root
    }

    private func queue(_ root: Digest) -> WorkQueue { queues[root.bit(0) ? 1 : 0] }

    /// Streams a body to the disk. Its signature covers the root in the path, and the root covers the bytes.
    private func put(_ request: Request, _ root: Digest) async throws -> Response {
        let owner = try authenticator.verify(request, body: .boundByPath).address
        if let bytes = blobs.byteCount(root) { return Self.answer(root, bytes, "exists", .ok) }
        let body = try request.bounded(limit: limits.blobBytes)
        let reserved = try request.declaredLength() ?? limits.blobBytes
        var kept = 0
        try gate.enter(owner, bytes: reserved)
        defer { gate.leave(owner, bytes: reserved, kept: kept) }
        let (store, queue) = (store, queue(root))
        let upload = BlobUpload(root, into: blobs, on: queue)
        do {
            let start = clock.nowMilliseconds
            var received = 0
            for try await chunk in body {
                received += chunk.readableBytes
                let spent = clock.nowMilliseconds - start
                guard spent < 30_000 || received / Int(spent / 1000) >= limits.uploadBytesPerSecond else {
                    throw Problem(.timeout, "an upload must come faster than \(limits.uploadBytesPerSecond) bytes a second")
                }
                try await upload.write(chunk)
            }
            let bytes = try await upload.finish()
            try await queue.run { () throws(Problem) in try store.saveBlob(root, bytes: Int64(bytes), owner: owner) }
            kept = bytes
            await upload.close()
            return Self.answer(root, bytes, "stored", .created)
        } catch {
            await upload.close()
            throw error
        }
    }

    private static func answer(_ root: Digest, _ bytes: Int, _ status: String, _ code: HTTPResponse.Status) -> Response {
        .json(["root": .string(root.hex), "bytes": .integer(Int64(bytes)), "status": .string(status)], status: code)
    }

    private func get(_ request: Request, _ root: Digest, _ context: ServingContext) async throws -> Response {
        guard let bytes = blobs.byteCount(root) else { throw Problem(.unknownBlob, "no blob has this root") }
        var headers: HTTPFields = [
            .contentType: "application/octet-stream", .acceptRanges: "bytes", .eTag: "\"\(root.hex)\"", .cacheControl: "public, immutable, max-age=31536000",
        ]
        let path = blobs.path(root)
        switch ByteRange.read(request.headers[.range], byteCount: bytes) {
        case .whole:
            return Response(status: .ok, headers: headers, body: try await files.loadFile(path: path, context: context, chunkLength: 1 << 18))
        case .part(let range):
            headers[.contentRange] = "bytes \(range.first)-\(range.last)/\(bytes)"
            let body = try await files.loadFile(path: path, range: range.first...range.last, context: context, chunkLength: 1 << 18)
            return Response(status: .partialContent, headers: headers, body: body)
        case .unsatisfiable:
            headers[.contentRange] = "bytes */\(bytes)"
            return Response(status: .rangeNotSatisfiable, headers: headers)
        }
    }
}
