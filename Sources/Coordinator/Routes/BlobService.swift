import HTTPServing
import HTTPTypes
import Hummingbird
import NIOCore
import Signing
import Wire

/// `PUT` and `GET` of tensors by their roots, and of their leaves' hashes.
struct BlobService: Sendable {
    let blobs: BlobStore
    let store: any JobStore
    let gate: UploadGate
    let uploads = PartialUploads()
    let authenticator: RequestAuthenticator
    let limiter: RateLimiter
    let limits: CoordinatorLimits
    let clock: any ServiceClock
    private let files = FileIO()
    /// Uploads write and hash here, the store's questions are asked here: two, so that one slow disk call does not stop all.
    let queues = [WorkQueue("adit.coordinator.blobs.0"), WorkQueue("adit.coordinator.blobs.1")]

    init(
        blobs: BlobStore, store: any JobStore, gate: UploadGate, authenticator: RequestAuthenticator, limiter: RateLimiter,
        limits: CoordinatorLimits, clock: any ServiceClock
    ) {
        self.blobs = blobs
        self.store = store
        self.gate = gate
        self.authenticator = authenticator
        self.limiter = limiter
        self.limits = limits
        self.clock = clock
    }

    func add(to routes: Routes) {
        routes.put("/blobs/{root}") { request, context in try await put(request, try root(context), context) }
        routes.get("/blobs/{root}") { request, context in try await get(request, try root(context), context) }
        routes.put("/blobs/{root}/leaves") { request, context in try await declare(request, try root(context), context) }
        routes.get("/blobs/{root}/leaves") { _, context in
            let root = try root(context)
            let blobs = blobs
            let leaves = try await queue(root).run { () throws(Problem) in try blobs.leaves(root) }
            return Self.answer(root, leaves)
        }
    }

    /// `{"leaves", "root"}`, written piece by piece: the hashes of a large blob are megabytes.
    private static func answer(_ root: Digest, _ leaves: [UInt8]) -> Response {
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(string: "{\"leaves\":["))
            for start in stride(from: 0, to: leaves.count, by: 32 * 256) {
                let piece = stride(from: start, to: min(start + 32 * 256, leaves.count), by: 32).map { "\"\(Hex.encode(leaves[$0..<$0 + 32]))\"" }
                try await writer.write(ByteBuffer(string: (start > 0 ? "," : "") + piece.joined(separator: ",")))
            }
            try await writer.write(ByteBuffer(string: "],\"root\":\"\(root.hex)\"}"))
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/json"], body: body)
    }

    private func root(_ context: ServingContext) throws(Problem) -> Digest {
        guard let root = Digest(hex: try context.parameter("root")) else { throw Problem(.badHex, "a root is 64 lower-case hex digits") }
        return root
    }

    func queue(_ root: Digest) -> WorkQueue { queues[root.bit(0) ? 1 : 0] }

    /// The same for a blob that is kept in the database. A range of so little is not worth a server's while: it is ignored, as RFC 9110 allows.
    private func small(_ request: Request, _ root: Digest) async throws -> Response {
        let blobs = blobs
        guard let bytes = try await queue(root).run({ () throws(Problem) in blobs.smallBytes(root) }) else {
            throw Problem(.unknownBlob, "no blob has this root")
        }
        let headers: HTTPFields = [
            .contentType: "application/octet-stream", .eTag: "\"\(root.hex)\"", .cacheControl: "public, immutable, max-age=31536000",
        ]
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    private func get(_ request: Request, _ root: Digest, _ context: ServingContext) async throws -> Response {
        guard let bytes = blobs.fileBytes(root) else { return try await small(request, root) }
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
