import ChainClient
import Glibc
import HTTPServing
import Hummingbird
import NIOCore
import Synchronization
import Testing
import Wire

/// Clients that send or read too slowly, too much, or nothing, over plain sockets.
struct SlowClientTests {
    private static let head = "Host: x\r\n"

    /// Limits short enough to wait for.
    private static func short(_ change: (inout ConnectionLimits) -> Void = { _ in }) -> HTTPServer.Limits {
        var limits = HTTPServer.Limits()
        limits.connections.head = .milliseconds(300)
        limits.connections.throughput = Throughput.Floor(window: .milliseconds(300), bytesPerSecond: 10_000)
        limits.connections.look = .milliseconds(50)
        limits.connections.linger = .seconds(2)
        change(&limits.connections)
        return limits
    }

    private static func cuts(_ server: TestServer, _ reason: String) -> Bool {
        server.registry.exposition().contains("adit_http_connections_cut_total{reason=\"\(reason)\"}")
    }

    @Test func aHeadThatDripsIsCutOff() async throws {
        let server = TestServer(limits: Self.short()) { $0.get("/") { _, _ in .json([:]) } }
        try await server.run { base, _ in
            let port = base.port
            let (answer, sent) = try await offPool {
                let socket = try RawSocket(port)
                socket.send("GET / HTTP/1.1\r\n")
                var sent = 0
                // A header a while, for ever: each piece comes well within any idle timeout.
                while !socket.hasBytes, !socket.isClosed, sent < 1000 {
                    socket.send("X-\(sent): 1\r\n")
                    sent += 1
                    usleep(20_000)
                }
                return (String(decoding: try socket.read(), as: UTF8.self), sent)
            }
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
            #expect(answer.contains("application/problem+json") && answer.contains("\"timeout\""))
            #expect(sent < 1000)
            #expect(Self.cuts(server, "head"))
        }
    }

    @Test func aBodyThatDripsIsCutOff() async throws {
        let server = TestServer(limits: Self.short()) { routes in
            routes.post("/whole") { request, _ in .json(["count": .integer(Int64(try await request.readBody(limit: 1 << 20).count))]) }
            routes.put("/stream") { request, _ in
                var count = 0
                for try await chunk in try request.bounded(limit: 1 << 30) { count += chunk.readableBytes }
                return .json(["count": .integer(Int64(count))])
            }
        }
        try await server.run { base, _ in
            for line in ["POST /whole", "PUT /stream"] {
                let port = base.port
                let answer = try await offPool {
                    let socket = try RawSocket(port)
                    socket.send("\(line) HTTP/1.1\r\n\(Self.head)Content-Length: 100000\r\n\r\n")
                    // One who goes on sending after the answer may lose it to the connection's reset.
                    for _ in 0..<1000 where !socket.hasBytes && !socket.isClosed {
                        socket.send("x")
                        usleep(10_000)
                    }
                    return try socket.readToEnd()
                }
                #expect(answer.hasPrefix("HTTP/1.1 408 "), "\(line)")
                #expect(answer.contains("\"timeout\""))
            }
            #expect(Self.cuts(server, "body"))
        }
    }

    @Test func aSlowHandlerIsNotTheSendersFault() async throws {
        let server = TestServer(limits: Self.short()) { routes in
            routes.put("/stream") { request, _ in
                var count = 0
                for try await chunk in try request.bounded(limit: 1 << 30) {
                    // Far below the floor, and all of it our own doing.
                    if count < 500_000 { try await Task.sleep(for: .milliseconds(100)) }
                    count += chunk.readableBytes
                }
                return .json(["count": .integer(Int64(count))])
            }
        }
        try await server.run { base, http in
            let body = BytesSource([UInt8](repeating: 7, count: 4_000_000))
            let answer = try await http.send(ChainClient.HTTPRequest(.put, base, path: "/stream", body: body))
            #expect(try answer.json()["count"] == 4_000_000)
        }
    }

    @Test func aReaderThatStopsLosesItsConnection() async throws {
        let written = Mutex(0)
        let isOver = Mutex(false)
        let server = TestServer(limits: Self.short()) { routes in
            routes.get("/endless") { _, _ in
                Response(
                    status: .ok,
                    body: ResponseBody { writer in
                        defer { isOver.withLock { $0 = true } }
                        let chunk = ByteBuffer(repeating: 7, count: 1 << 18)
                        for _ in 0..<4096 {
                            try await writer.write(chunk)
                            written.withLock { $0 += chunk.readableBytes }
                        }
                        try await writer.finish(nil)
                    })
            }
        }
        try await server.run { base, _ in
            let port = base.port
            let socket = try await offPool {
                let socket = try RawSocket(port, receiveBuffer: 65_536)
                socket.send("GET /endless HTTP/1.1\r\n\(Self.head)\r\n")
                _ = try socket.read()
                return socket
            }
            for _ in 0..<200 where !isOver.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(20)) }
            #expect(isOver.withLock { $0 })
            // Its source was not run dry into a queue: both sockets' buffers, a piece and a watermark, however busy the loop is.
            #expect(written.withLock { $0 } < 32 << 20)
            #expect(Self.cuts(server, "write"))
            withExtendedLifetime(socket) {}
        }
    }

    @Test func thousandsOfIdleConnectionsKeepNobodyOut() async throws {
        let server = TestServer(limits: Self.short { $0.maximum = 256 }) { $0.get("/") { _, _ in .json([:]) } }
        try await server.run { base, http in
            let port = base.port
            let (opened, closed) = try await offPool {
                var sockets: [RawSocket] = []
                for _ in 0..<3000 { sockets.append(try RawSocket(port)) }
                for _ in 0..<250 {
                    usleep(20_000)
                    if sockets.count(where: \.isClosed) >= 3000 - 256 { break }
                }
                return (sockets, sockets.count(where: \.isClosed))
            }
            #expect(closed >= 3000 - 256)
            #expect(try await http.send(ChainClient.HTTPRequest(.get, base, path: "/")).status == 200)
            #expect(Self.cuts(server, "crowded"))
            withExtendedLifetime(opened) {}
        }
    }

    @Test func aConnectionAtWorkIsNoIdleOne() async throws {
        let (reached, signal) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        let server = TestServer(limits: Self.short { $0.maximum = 16 }) { routes in
            routes.get("/poll") { _, _ in
                signal.yield()
                for await _ in released { break }
                return .json(["done": true])
            }
        }
        try await server.run { base, http in
            async let poll = http.send(ChainClient.HTTPRequest(.get, base, path: "/poll")).status
            for await _ in reached { break }
            let port = base.port
            let idle = try await offPool { try (0..<200).map { _ in try RawSocket(port) } }
            // Longer than every short limit: a long poll is answered, not cut.
            try await Task.sleep(for: .milliseconds(500))
            release.yield()
            #expect(try await poll == 200)
            withExtendedLifetime(idle) {}
        }
    }

    @Test func idleConnectionsTimeOut() async throws {
        let server = TestServer(limits: Self.short { $0.idle = .milliseconds(200) }) { $0.get("/") { _, _ in .json([:]) } }
        try await server.run { base, _ in
            let port = base.port
            let isClosed = try await offPool {
                let (fresh, used) = (try RawSocket(port), try RawSocket(port))
                used.send("GET / HTTP/1.1\r\n\(Self.head)\r\n")
                _ = try used.read()
                return try fresh.read().isEmpty && used.read().isEmpty
            }
            #expect(isClosed)
        }
    }

    @Test func bodiesShareABoundedMemory() async throws {
        let bodies = BodyBudget(1 << 20)
        let server = TestServer(bodies: bodies) { routes in
            routes.post("/whole") { request, _ in .json(["count": .integer(Int64(try await request.readBody(limit: 512 << 10).count))]) }
        }
        try await server.run { base, http in
            let port = base.port
            // Each holds nearly all it may, and waits.
            let held = try await offPool {
                try (0..<8).map { _ in
                    let socket = try RawSocket(port)
                    socket.send("POST /whole HTTP/1.1\r\n\(Self.head)Content-Length: 500000\r\n\r\n")
                    socket.send([UInt8](repeating: 7, count: 400_000))
                    return socket
                }
            }
            for _ in 0..<200 where bodies.bytes < 1 << 20 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(bodies.bytes <= 1 << 20)
            let refused = try await http.send(ChainClient.HTTPRequest(.post, base, path: "/whole", body: BytesSource([UInt8](repeating: 7, count: 400_000))))
            #expect(refused.status == 503 && refused.problem.code == .unavailable)
            withExtendedLifetime(held) {}
        }
        for _ in 0..<200 where bodies.bytes > 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(bodies.bytes == 0)
    }

    @Test func whatIsNoRequestIsToldSo() async throws {
        let server = TestServer(limits: Self.short { $0.head = .seconds(10) }) { $0.get("/") { _, _ in .json([:]) } }
        try await server.run { base, _ in
            let long = String(repeating: "a", count: 20_000)
            for text in [
                "\u{1}\u{2}\u{3}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
                "GET / HTTP/1.1\r\n\(Self.head)X: \(long)\r\n\r\n", "GET /\(long) HTTP/1.1\r\n\(Self.head)\r\n",
                "GET / HTTP/1.1\r\n\(Self.head)Content-Length: x\r\n\r\n", "G@T / HTTP/1.1\r\n\(Self.head)\r\n",
                "GET / HTTP/1.1\r\n\(Self.head)" + (0..<200).map { "X\($0): 1\r\n" }.joined() + "\r\n",
            ] {
                let port = base.port
                let answer = try await offPool {
                    let socket = try RawSocket(port)
                    socket.send(text)
                    return try socket.readToEnd()
                }
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(text.prefix(60)) gave \(answer.prefix(200))")
                #expect(answer.contains("application/problem+json"), "\(text.prefix(60))")
                #expect(answer.contains("\"bad_request\""), "\(text.prefix(60))")
            }
            // After a good request on the same connection too; the good one has its own answer.
            let port = base.port
            let answers = try await offPool {
                let socket = try RawSocket(port)
                socket.send("GET / HTTP/1.1\r\n\(Self.head)\r\n")
                let first = String(decoding: try socket.read(), as: UTF8.self)
                socket.send("\u{1}\u{2}\r\n\r\n")
                return (first, try socket.readToEnd())
            }
            #expect(answers.0.hasPrefix("HTTP/1.1 200 ") && answers.1.hasPrefix("HTTP/1.1 400 "))
            #expect(answers.1.contains("\"bad_request\""))
        }
    }
}
