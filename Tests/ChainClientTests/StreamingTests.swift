import ChainClient
import Foundation
import Synchronization
import Testing
import Wire

@Suite("Streamed bodies") struct StreamingTests {
    /// 5 MiB and a bit: many leaves, and a last one that is short.
    private static let payload: [UInt8] = (0..<(5 << 20) + 777).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }

    @Test("A file goes up as it is, from any offset", arguments: [0, 65_536]) func uploadFile(offset: Int) async throws {
        let payload = Self.payload
        let server = try TinyServer { request in .answer(200, body: SHA256.hash(request.body).bytes) }
        defer { server.stop() }
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("adit-upload-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(payload).write(to: URL(fileURLWithPath: path))
        let client = try HTTPClient()
        let source = try FileSource(path: path, offset: offset)
        #expect(source.byteCount == payload.count - offset)
        let answer = try await client.send(HTTPRequest(.put, try BaseURL(server.url), path: "/blob", body: source))
        #expect(answer.body == SHA256.hash(Array(payload[offset...])).bytes)
    }

    @Test("A body comes down chunk by chunk, hashed on its way") func download() async throws {
        let payload = Self.payload
        let server = try TinyServer { _ in .answer(200, body: payload) }
        defer { server.stop() }
        let client = try HTTPClient()
        let sink = HashingSink()
        let answer = try await client.send(HTTPRequest(.get, try BaseURL(server.url), path: "/blob", limits: .bulk(answerBytes: payload.count)), sink: sink)
        #expect(answer.body.isEmpty)
        let (root, chunks, announced) = sink.finish()
        #expect(root == TensorRoot.root(of: payload))
        #expect(chunks > 1)
        #expect(announced == payload.count)
    }

    @Test("What the sink throws ends the transfer") func sinkRefuses() async throws {
        let payload = Self.payload
        let server = try TinyServer { _ in .answer(200, body: payload) }
        defer { server.stop() }
        let client = try HTTPClient()
        let request = HTTPRequest(.get, try BaseURL(server.url), path: "/blob", limits: .bulk(answerBytes: payload.count))
        let problem = await #expect(throws: Problem.self) { try await client.send(request, sink: RefusingSink()) }
        #expect(problem == Problem(.blobMismatch, "not this"))
    }

    @Test("A refusal's body never reaches the sink") func refusal() async throws {
        let server = try TinyServer { _ in .answer(404, body: Array(#"{"code":"unknown_blob"}"#.utf8)) }
        defer { server.stop() }
        let client = try HTTPClient()
        let sink = HashingSink()
        let answer = try await client.send(HTTPRequest(.get, try BaseURL(server.url), path: "/blob"), sink: sink)
        #expect(answer.problem.code == .unknownBlob)
        #expect(sink.finish().chunks == 0)
    }

    @Test("A request is sent again whole when a kept connection has died") func reconnect() async throws {
        // The first answer closes its connection without saying so: the second request finds a dead one.
        let server = try TinyServer { request in
            request.target == "/first" ? .raw(Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8)) : .answer(200, body: request.body)
        }
        defer { server.stop() }
        let client = try HTTPClient()
        let base = try BaseURL(server.url)
        _ = try await client.send(HTTPRequest(.get, base, path: "/first"))
        let body = Array(Self.payload[..<300_000])
        #expect(try await client.send(HTTPRequest(.post, base, path: "/second", body: BytesSource(body))).body == body)
    }

    @Test("A file that shrinks below what was promised fails the request") func shrinking() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("adit-short-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
        #expect(throws: Problem.self) { try FileSource(path: path, offset: 1, length: 3) }
        #expect(throws: Problem.self) { try FileSource(path: path + "x") }
    }
}

/// Hashes what arrives, as the tensors' store does.
private final class HashingSink: DownloadSink {
    private struct State {
        var hasher = TensorHasher()
        var chunks = 0
        var announced: Int?
    }
    private let state = Mutex(State())

    func begin(_ head: HTTPHead) throws(Problem) { state.withLock { $0.announced = head.contentLength } }

    func receive(_ chunk: UnsafeRawBufferPointer) throws(Problem) {
        state.withLock { state in
            unsafe state.hasher.update(chunk)
            state.chunks += 1
        }
    }

    func finish() -> (root: Digest, chunks: Int, announced: Int?) { state.withLock { ($0.hasher.finish().root, $0.chunks, $0.announced) } }
}

private final class RefusingSink: DownloadSink {
    func begin(_ head: HTTPHead) throws(Problem) {}
    func receive(_ chunk: UnsafeRawBufferPointer) throws(Problem) { throw Problem(.blobMismatch, "not this") }
}
