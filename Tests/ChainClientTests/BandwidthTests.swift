import ChainClient
import Foundation
import Synchronization
import Testing
import Wire

/// Wide bounds: a busy machine is slow. What may not happen is that bytes come sooner than the limit lets them.
@Suite("A limit for the bandwidth") struct BandwidthTests {
    private static let body = [UInt8](repeating: 7, count: 384 << 10)

    private static func server() throws -> TinyServer {
        try TinyServer { request in request.method == "GET" && request.target == "/blob" ? .answer(200, body: body) : .answer(200, body: [1]) }
    }

    private static func blob(_ method: HTTPMethod, _ server: TinyServer) throws -> HTTPRequest {
        HTTPRequest(
            method, try BaseURL(server.url), path: "/blob", body: method == .put ? BytesSource(body) : nil, limits: .bulk(answerBytes: body.count))
    }

    @Test("Tensors one after the other, and at one time, take the time that they are given, down and up", arguments: [HTTPMethod.get, .put])
    func holds(method: HTTPMethod) async throws {
        let server = try Self.server()
        defer { server.stop() }
        let client = try HTTPClient()
        client.limit(bytesPerSecond: 4 << 20)
        let begin = ContinuousClock.now
        for _ in 0..<4 { _ = try await client.send(try Self.blob(method, server)).checked() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { _ = try await client.send(try Self.blob(method, server)).checked() } }
            try await group.waitForAll()
        }
        // 3 MiB at 4 MiB a second.
        #expect(ContinuousClock.now - begin > .milliseconds(600))
    }

    private final class Count: Sendable { let value = Atomic<Int>(0) }

    @Test("Messages don't wait behind a tensor; a limit that is lifted lets go what is on its way and what waits") func lifted() async throws {
        let server = try Self.server()
        defer { server.stop() }
        let client = try HTTPClient()
        // Two minutes for each.
        client.limit(bytesPerSecond: 3 << 10)
        let done = Count()
        let begin = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    _ = try await client.send(try Self.blob(.get, server)).checked()
                    done.value.add(1, ordering: .relaxed)
                }
            }
            for _ in 0..<20 { #expect(try await client.send(HTTPRequest(.get, try BaseURL(server.url), path: "/message")).body == [1]) }
            #expect(done.value.load(ordering: .relaxed) == 0)
            client.limit(bytesPerSecond: nil)
            try await group.waitForAll()
        }
        #expect(ContinuousClock.now - begin < .seconds(60))
    }

    @Test("A tensor that is held back can be canceled, and ends with the client", arguments: [HTTPMethod.get, .put])
    func canceled(method: HTTPMethod) async throws {
        let server = try Self.server()
        defer { server.stop() }
        let client = try HTTPClient()
        client.limit(bytesPerSecond: 1 << 10)
        let waiting = (0..<2).map { _ in Task { try await client.send(try Self.blob(method, server)) } }
        while server.connections < 2 { try await Task.sleep(for: .milliseconds(5)) }
        waiting[0].cancel()
        let canceled = await #expect(throws: Problem.self) { try await waiting[0].value }
        #expect(canceled?.code == .canceled)
        client.close()
        let closed = await #expect(throws: Problem.self) { try await waiting[1].value }
        #expect(closed?.code == .canceled)
    }
}
