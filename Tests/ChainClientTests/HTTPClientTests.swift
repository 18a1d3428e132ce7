import ChainClient
import Foundation
import Synchronization
import Testing
import Wire

@Suite("HTTP client over a real server") struct HTTPClientTests {
    @Test("A connection is used again") func keepAlive() async throws {
        let server = try TinyServer { request in .answer(200, body: Array(request.target.utf8)) }
        defer { server.stop() }
        let client = try HTTPClient()
        let base = try BaseURL(server.url)
        for index in 0..<20 {
            let answer = try await client.send(HTTPRequest(.get, base, path: "/n/\(index)", query: "?a=1"))
            #expect(answer.status == 200)
            #expect(String(decoding: answer.body, as: UTF8.self) == "/n/\(index)?a=1")
        }
        #expect(server.connections == 1)
    }

    @Test("Many requests at once all come back") func parallel() async throws {
        let server = try TinyServer { request in .answer(200, body: request.body) }
        defer { server.stop() }
        let client = try HTTPClient(maxConnections: 4)
        let base = try BaseURL(server.url)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<100 {
                group.addTask {
                    let body = [UInt8](repeating: UInt8(index), count: 1_000 + index)
                    return try await client.send(HTTPRequest(.post, base, path: "/", body: BytesSource(body))).body == body
                }
            }
            for try await same in group { #expect(same) }
        }
        #expect(server.connections <= 4)
    }

    @Test("A silent server ends in timeout") func totalTimeout() async throws {
        let server = try TinyServer { _ in .silence }
        defer { server.stop() }
        let client = try HTTPClient()
        let request = HTTPRequest(.get, try BaseURL(server.url), path: "/", limits: HTTPLimits(total: .milliseconds(150)))
        let problem = await #expect(throws: Problem.self) { try await client.send(request) }
        #expect(problem?.code == .timeout)
    }

    @Test("A server that only drips is given up") func stall() async throws {
        let server = try TinyServer { _ in .drip }
        defer { server.stop() }
        let client = try HTTPClient()
        let request = HTTPRequest(.get, try BaseURL(server.url), path: "/", limits: HTTPLimits(total: nil, stall: .seconds(1), answerBytes: 1 << 30))
        let problem = await #expect(throws: Problem.self) { try await client.send(request) }
        #expect(problem?.code == .timeout)
    }

    @Test("Nobody listening is transport_failed") func refused() async throws {
        let server = try TinyServer { _ in .silence }
        let base = try BaseURL(server.url)
        server.stop()
        let client = try HTTPClient()
        let problem = await #expect(throws: Problem.self) { try await client.send(HTTPRequest(.get, base, path: "/")) }
        #expect(problem?.code == .transportFailed)
        #expect(problem?.isTransient == true)
    }

    @Test("Cancelling the task ends the transfer at once, and the connection") func cancellation() async throws {
        let server = try TinyServer { _ in .silence }
        defer { server.stop() }
        let client = try HTTPClient()
        let base = try BaseURL(server.url)
        let task = Task { try await client.send(HTTPRequest(.get, base, path: "/", limits: HTTPLimits(total: .seconds(60), stall: nil))) }
        while server.connections == 0 { await Task.yield() }
        let clock = ContinuousClock()
        let start = clock.now
        task.cancel()
        let problem = await #expect(throws: Problem.self) { try await task.value }
        #expect(problem?.code == .canceled)
        // The request itself would have its minute.
        #expect(clock.now - start < .seconds(30))
        while server.closed == 0 { await Task.yield() }
    }

    @Test("A task that is canceled already sends nothing") func canceledBefore() async throws {
        let server = try TinyServer { _ in .answer(200) }
        defer { server.stop() }
        let client = try HTTPClient()
        let base = try BaseURL(server.url)
        let task = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return try await client.send(HTTPRequest(.get, base, path: "/"))
        }
        let problem = await #expect(throws: Problem.self) { try await task.value }
        #expect(problem?.code == .canceled)
        #expect(server.connections == 0)
    }

    @Test("Closing the client ends what is running") func closing() async throws {
        let server = try TinyServer { _ in .silence }
        defer { server.stop() }
        let client = try HTTPClient()
        let base = try BaseURL(server.url)
        let task = Task { try await client.send(HTTPRequest(.get, base, path: "/")) }
        while server.connections == 0 { await Task.yield() }
        client.close()
        let first = await #expect(throws: Problem.self) { try await task.value }
        #expect(first?.code == .canceled)
        let second = await #expect(throws: Problem.self) { try await client.send(HTTPRequest(.get, base, path: "/")) }
        #expect(second?.code == .canceled)
    }

    @Test("An oversized answer is refused, announced or not", arguments: [true, false]) func oversized(announced: Bool) async throws {
        let body = [UInt8](repeating: 7, count: 5_000)
        let server = try TinyServer { _ in
            announced ? .answer(200, body: body) : .raw(Array("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".utf8) + body)
        }
        defer { server.stop() }
        let client = try HTTPClient()
        let request = HTTPRequest(.get, try BaseURL(server.url), path: "/", limits: HTTPLimits(answerBytes: 4_999))
        let problem = await #expect(throws: Problem.self) { try await client.send(request) }
        #expect(problem?.code == .payloadTooLarge)
        var enough = request
        enough.limits.answerBytes = 5_000
        #expect(try await client.send(enough).body == body)
    }

    @Test("Endless headers are refused") func headers() async throws {
        let line = "X-Long: " + String(repeating: "x", count: 1_000) + "\r\n"
        let server = try TinyServer { _ in .raw(Array(("HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 90) + "\r\n").utf8)) }
        defer { server.stop() }
        let client = try HTTPClient()
        let base = try BaseURL(server.url)
        let problem = await #expect(throws: Problem.self) { try await client.send(HTTPRequest(.get, base, path: "/")) }
        #expect(problem?.code == .badAnswer)
    }

    @Test("A body that ends early is transport_failed") func truncated() async throws {
        let server = try TinyServer { _ in .raw(Array("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this".utf8)) }
        defer { server.stop() }
        let client = try HTTPClient()
        let base = try BaseURL(server.url)
        let problem = await #expect(throws: Problem.self) { try await client.send(HTTPRequest(.get, base, path: "/")) }
        #expect(problem?.code == .transportFailed)
    }

    @Test("Redirects are not followed") func redirect() async throws {
        let server = try TinyServer { request in request.target == "/" ? .answer(302, headers: [("Location", "/other")]) : .answer(200) }
        defer { server.stop() }
        let client = try HTTPClient()
        let answer = try await client.send(HTTPRequest(.get, try BaseURL(server.url), path: "/"))
        #expect(answer.status == 302)
        let problem = #expect(throws: Problem.self) { try answer.checked() }
        #expect(problem?.code == .badAnswer)
    }

    @Test("A problem's body becomes its problem") func problems() async throws {
        let server = try TinyServer { request in
            switch request.target {
            case "/known": .answer(409, body: Array(#"{"type":"about:blank","status":409,"code":"nonce_gap","detail":"nonce 7, expected 3"}"#.utf8))
            case "/unknown": .answer(503, body: Array(#"{"code":"from_the_future"}"#.utf8))
            case "/huge": .answer(404, body: [UInt8](repeating: 65, count: 1 << 20))
            default: .answer(401, body: Array("<html>".utf8))
            }
        }
        defer { server.stop() }
        let client = try HTTPClient()
        let base = try BaseURL(server.url)
        func problem(_ path: String) async throws -> Problem { try await client.send(HTTPRequest(.get, base, path: path)).problem }
        #expect(try await problem("/known") == Problem(.nonceGap, "nonce 7, expected 3"))
        #expect(try await problem("/unknown") == Problem(.unavailable, "HTTP 503"))
        #expect(try await problem("/huge").code == .notFound)
        #expect(try await problem("/html").code == .unauthorized)
    }

    @Test("A refusal in the middle of an upload arrives as such") func refusedUpload() async throws {
        let answer = Array("HTTP/1.1 413 Too Large\r\nContent-Length: 28\r\nConnection: close\r\n\r\n".utf8) + Array(#"{"code":"payload_too_large"}"#.utf8)
        let server = try TinyServer { _ in .raw(answer) }
        defer { server.stop() }
        let client = try HTTPClient()
        let request = HTTPRequest(.put, try BaseURL(server.url), path: "/", body: BytesSource([UInt8](repeating: 1, count: 64 << 10)))
        #expect(try await client.send(request).problem.code == .payloadTooLarge)
    }

    @Test("What could split a request is never sent", arguments: ["no-slash", "/a b", "/a\r\nX: y", "/a#b", "/a?b", "/ä"]) func splitting(path: String)
        async throws
    {
        let client = try HTTPClient()
        let base = try BaseURL("http://127.0.0.1:9")
        let problem = await #expect(throws: Problem.self) { try await client.send(HTTPRequest(.get, base, path: path)) }
        #expect(problem?.code == .badRequest)
        let header = HTTPRequest(.get, base, path: "/", headers: [("X", "a\r\nY: b")])
        let other = await #expect(throws: Problem.self) { try await client.send(header) }
        #expect(other?.code == .badRequest)
    }
}
