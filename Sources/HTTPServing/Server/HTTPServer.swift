import Glibc
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import ServiceLifecycle
import Wire

/// One HTTP/1.1 listener with its routes and limits, on Hummingbird.
///
/// On graceful shutdown it takes no new connection, closes idle ones and lets running requests end; what still runs
/// after `stopWithin` is cancelled, so that neither a long poll nor a caller that stops sending can hold the process.
package struct HTTPServer: Service {
    package struct Limits: Sendable {
        package var connections = ConnectionLimits()
        /// Requests of one caller; `RateLimiter` counts them for the routes.
        package var rates = RateLimits()
        /// What running requests get to end in when the service stops.
        package var stopWithin = Duration.seconds(3)

        package init() {}
    }

    private let bind: Bind
    private let limits: Limits
    private let logger: Logger
    private let responder: RouterResponder<ServingContext>
    private let registry: PrometheusRegistry
    private let onBound: @Sendable (Int) async -> Void

    /// - Parameter onBound: is given the port once connections are taken.
    package init(bind: Bind, routes: Routes, limits: Limits = Limits(), logger: Logger, onBound: @escaping @Sendable (Int) async -> Void) {
        self.bind = bind
        self.limits = limits
        self.logger = logger
        self.onBound = onBound
        registry = routes.registry
        responder = routes.responder()
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Throws: `io_failed` with the operating system's reason where the address can't be bound.
    package func run() async throws {
        let application = makeApplication()
        let patience = limits.stopWithin
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [bind] in
                do {
                    try await application.run()
                } catch let error as IOError {
                    let why = error.errnoCode == EADDRINUSE ? "another program does; choose another port, or stop that program" : "\(error)"
                    throw Problem(.ioFailed, "can't listen on \(bind): \(why)")
                }
            }
            group.addTask {
                do {
                    try await gracefulShutdown()
                    try await Task.sleep(for: patience)
                } catch {
                    // Cancelled: the server has ended by itself.
                }
            }
            defer { group.cancelAll() }
            do {
                try await group.next()
            } catch is CancellationError {
                return
            }
        }
    }

    private func makeApplication() -> Application<RouterResponder<ServingContext>> {
        let limits = self.limits.connections
        let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: limits.headBytes, maxHeaderListSize: limits.headBytes, maxHeaderFieldCount: limits.headFields)
        let table = ConnectionTable(limits, registry: registry)
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionGuard(table, limits)], idleTimeout: .nanoseconds(limits.idle.nanoseconds), httpDecoderConfiguration: decoder)
        let logger = self.logger
        let onBound = self.onBound
        let port = bind.port
        return Application(
            responder: responder,
            server: .http1(configuration: http),
            configuration: ApplicationConfiguration(
                address: .hostname(bind.host, port: bind.port), backlog: limits.backlog,
                availableConnectionsDelegate: MaximumAvailableConnections(limits.maximum, logger: logger)),
            onServerRunning: { channel in await onBound(channel.localAddress?.port ?? port) },
            logger: logger)
    }
}
