import ChainClient
import HTTPServing
import Hummingbird
import Logging
import ServiceLifecycle
import Testing
import Wire

/// The server that all services share, on its own.
struct HTTPServerTests {
    /// Serves the routes for the body's time; gives how long the stop took.
    private func serve(
        on bind: Bind = .anyLoopbackPort, limits: HTTPServer.Limits = HTTPServer.Limits(), _ add: (Routes) -> Void,
        _ body: (BaseURL, HTTPClient) async throws -> Void
    ) async throws -> Duration {
        let routes = Routes(registry: PrometheusRegistry())
        add(routes)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let (bound, signal) = AsyncStream.makeStream(of: Int.self)
        let server = HTTPServer(bind: bind, routes: routes, limits: limits, logger: logger) { signal.yield($0) }
        let group = ServiceGroup(services: [server], logger: logger)
        let running = Task {
            defer { signal.finish() }
            try await group.run()
        }
        var ports = bound.makeAsyncIterator()
        guard let port = await ports.next() else {
            try await running.value
            throw Problem(.unavailable, "the server ended before it was ready")
        }
        try await body(try BaseURL("http://127.0.0.1:\(port)"), try HTTPClient())
        let start = ContinuousClock.now
        await group.triggerGracefulShutdown()
        try await running.value
        return ContinuousClock.now - start
    }

    @Test func anErrorsWordsStayInside() async throws {
        struct Secret: Error, CustomStringConvertible { let description = "the password is swordfish" }
        try await _ = serve { routes in
            routes.get("/secret") { _, _ in throw Secret() }
            routes.get("/disk") { _, _ in throw Problem(.ioFailed, "swordfish can't be opened") }
            routes.get("/refused") { _, _ in throw Problem(.shapeMismatch, "rows differ") }
            routes.get("/canceled") { _, _ in throw CancellationError() }
        } _: { base, http in
            for (path, code) in [("/secret", Problem.Code.internalError), ("/disk", .ioFailed), ("/refused", .shapeMismatch), ("/canceled", .unavailable)] {
                let answer = try await http.send(ChainClient.HTTPRequest(.get, base, path: path))
                #expect(answer.status == code.status)
                #expect(answer.head["content-type"] == "application/problem+json")
                #expect(answer.problem.code == code)
                #expect(!String(decoding: answer.body, as: UTF8.self).contains("swordfish"))
            }
            let head = try await http.send(ChainClient.HTTPRequest(.head, base, path: "/refused"))
            #expect(head.status == 422)
        }
    }

    @Test func streamsAreBoundedAsTheyArrive() async throws {
        try await _ = serve { routes in
            routes.put("/blob") { request, _ in
                var count = 0
                for try await chunk in try request.bounded(limit: 1_000_000) { count += chunk.readableBytes }
                return .json(["count": .integer(Int64(count))])
            }
        } _: { base, http in
            for (size, status) in [(0, 200), (1_000_000, 200), (1_000_001, 413)] {
                let body = BytesSource([UInt8](repeating: 7, count: size))
                let answer = try await http.send(ChainClient.HTTPRequest(.put, base, path: "/blob", body: body))
                #expect(answer.status == status)
                if status == 200 { #expect(try answer.json()["count"] == .integer(Int64(size))) }
            }
        }
    }

    @Test func aLongPollDoesNotHoldTheStop() async throws {
        var limits = HTTPServer.Limits()
        limits.stopWithin = .milliseconds(200)
        let (reached, signal) = AsyncStream.makeStream(of: Void.self)
        var polls: [Task<Int?, Never>] = []
        let stop = try await serve(limits: limits) { routes in
            routes.get("/poll") { _, _ in
                signal.yield()
                try await Task.sleep(for: .seconds(60))
                return .json([:])
            }
            routes.get("/graceful") { _, _ in
                signal.yield()
                try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(60)) }
                return .json([:])
            }
        } _: { base, http in
            for path in ["/poll", "/graceful"] {
                polls.append(Task { try? await http.send(ChainClient.HTTPRequest(.get, base, path: path)).status })
            }
            var started = reached.makeAsyncIterator()
            for _ in polls { await started.next() }
        }
        #expect(stop < .seconds(3))
        for poll in polls { #expect(await poll.value != 200) }
    }

    @Test func aTakenPortIsSaidSo() async throws {
        try await _ = serve { _ in
        } _: { base, _ in
            await #expect {
                try await _ = serve(on: try Bind("127.0.0.1:\(base.port)")) { _ in
                } _: { _, _ in
                }
            } throws: { ($0 as? Problem)?.code == .ioFailed }
        }
    }

    @Test func bindAddresses() throws {
        #expect(try Bind("127.0.0.1:8080").port == 8080)
        #expect(try Bind("[::1]:0").host == "::1")
        #expect(try Bind("[::1]:0").description == "[::1]:0")
        #expect(try Bind("localhost:1").isLoopback)
        #expect(try !Bind("0.0.0.0:80").isLoopback)
        for text in ["", "8080", "x:", ":1", "x:65536", "x:-1", "::1:80", "x:1x"] { #expect(throws: Problem.self) { try Bind(text) } }
    }

    @Test func tokensHaveALeastLength() throws {
        #expect(throws: Problem.self) { try BearerToken("short") }
        #expect(throws: Problem.self) { try BearerToken(String(repeating: "x", count: 257)) }
        _ = try BearerToken(String(repeating: "x", count: 16))
    }
}
