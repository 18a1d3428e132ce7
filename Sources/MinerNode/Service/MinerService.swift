import ChainClient
import HTTPServing
import Jobs
package import Logging
import Profiler
import ServiceLifecycle
import Synchronization
import Wire

/// A whole miner: takes leases, computes, signs, delivers and claims, until it is told to stop.
///
/// A graceful shutdown gives running leases back, writes nothing half and ends within five seconds; what is in the outbox goes on at the next start.
package final class MinerService: Service {
    private let configuration: MinerConfiguration
    private let logger: Logger
    private let onReady: @Sendable (Int?) async -> Void
    private let onEvent: @Sendable (MinerEvent) -> Void
    /// The running miner for those in the same process; before `run` and after it, a miner that is starting or stopped.
    package let panel = MinerPanel()

    /// - Parameters:
    ///   - onReady: is given the local API's port (nil without one) once the miner is registered and asks for work.
    ///   - onEvent: is told every event, in order of their happening, from any thread.
    package init(
        configuration: MinerConfiguration, logger: Logger, onReady: @escaping @Sendable (Int?) async -> Void = { _ in },
        onEvent: @escaping @Sendable (MinerEvent) -> Void = { _ in }
    ) {
        (self.configuration, self.logger, self.onReady, self.onEvent) = (configuration, logger, onReady, onEvent)
    }

    /// Runs until graceful shutdown or cancellation.
    ///
    /// - Throws: `io_failed` if the data directory or the local port can't be used, `backend_unavailable` if no device passes its test.
    package func run() async throws {
        let (feed, onEvent) = (panel.events, self.onEvent)
        let sink = EventSink(logger: logger) { event in
            feed.add(event)
            onEvent(event)
        }
        let house = try MinerHouse(configuration, sink, feed)
        panel.open(house)
        defer {
            panel.close()
            feed.close()
            house.close()
        }
        let port = OncePort()
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let bind = configuration.local {
                let server = HTTPServer(bind: bind, routes: house.routes(), limits: configuration.serving, logger: logger) { bound in port.set(bound) }
                group.addTask { try await server.run() }
            } else {
                port.set(nil)
            }
            group.addTask {
                try await cancelWhenGracefulShutdown {
                    // Whoever listens would keep the listener from ending.
                    defer { feed.close() }
                    do {
                        try await house.work { await self.onReady(await port.value()) }
                    } catch let problem as Problem where problem.code == .canceled && Task.isCancelled {
                        // Stopped before it had begun.
                    }
                }
            }
            do {
                // Not waitForAll(): it keeps an error back until all the others have ended.
                for try await _ in group {}
            } catch {
                group.cancelAll()
                throw error
            }
        }
    }
}

/// The local API's port, which is known once it is bound.
private final class OncePort: Sendable {
    private let stream: AsyncStream<Int?>
    private let sink: AsyncStream<Int?>.Continuation

    init() { (stream, sink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func set(_ port: Int?) {
        sink.yield(port)
        sink.finish()
    }

    func value() async -> Int? {
        for await port in stream { return port }
        return nil
    }
}
