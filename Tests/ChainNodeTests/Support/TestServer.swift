import ChainClient
import HTTPServing
import Logging
import ServiceLifecycle
import Wire

/// One HTTP server with a test's own routes and limits, on a free port.
struct TestServer {
    let registry = PrometheusRegistry()
    private let routes: Routes
    private let limits: HTTPServer.Limits

    init(limits: HTTPServer.Limits = HTTPServer.Limits(), limiter: RateLimiter? = nil, bodies: BodyBudget = .shared, _ add: (Routes) -> Void) {
        routes = Routes(registry: registry, limiter: limiter, bodies: bodies)
        add(routes)
        self.limits = limits
    }

    /// Serves for the body's time.
    func run(_ body: (BaseURL, HTTPClient) async throws -> Void) async throws {
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let (bound, signal) = AsyncStream.makeStream(of: Int.self)
        let server = HTTPServer(bind: .anyLoopbackPort, routes: routes, limits: limits, logger: quiet) { signal.yield($0) }
        let group = ServiceGroup(services: [server], logger: quiet)
        let running = Task {
            defer { signal.finish() }
            try await group.run()
        }
        var ports = bound.makeAsyncIterator()
        guard let port = await ports.next() else { return try await running.value }
        let http = try HTTPClient()
        defer { http.close() }
        do {
            try await body(try BaseURL("http://127.0.0.1:\(port)"), http)
        } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await running.value
    }
}
