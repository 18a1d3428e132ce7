import ChainClient
import HTTPServing
import Ledger
package import Logging
import ServiceLifecycle
import Signing
import Synchronization
import Wire

/// A whole chain node: store, proposer, RPC and peer listeners.
package final class NodeService: Service {
    private let configuration: NodeConfiguration
    private let logger: Logger
    private let onReady: @Sendable (NodePorts) async -> Void

    /// - Parameter onReady: is told the ports once both listeners take connections.
    package init(configuration: NodeConfiguration, logger: Logger, onReady: @escaping @Sendable (NodePorts) async -> Void = { _ in }) {
        self.configuration = configuration
        self.logger = logger
        self.onReady = onReady
    }

    /// Opens the chain and serves it until graceful shutdown or cancellation, which takes at most about 3 s.
    ///
    /// - Throws: what `ChainNode.open` refuses, or the operating system's error where a port can't be bound.
    package func run() async throws {
        let start = ContinuousClock.now
        let store = try SQLiteChainStore(path: configuration.databasePath)
        let http = try HTTPClient(maxConnections: 32)
        defer { http.close() }
        var softCheck: SoftCheck?
        if !configuration.softChecks.isEmpty {
            // A node without a proposer's key signs with one that it draws now.
            let key = try configuration.proposer ?? PrivateKey.generate()
            softCheck = SoftCheck(configuration.softChecks, key: key, http: http, patience: configuration.softCheckPatience)
        }
        let node = try await ChainNode.open(
            store: store, genesis: configuration.genesis, environment: configuration.environment, clock: configuration.clock,
            registry: configuration.registry, mempool: configuration.mempool, softCheck: softCheck)
        let head = await node.snapshot().head
        node.metrics.opened(at: head.header.height)
        logger.info(
            "chain_opened",
            metadata: [
                "chain_id": "\(node.chain.text)", "height": .stringConvertible(head.header.height), "hash": "\(head.hash)",
                "latency_ms": .stringConvertible((ContinuousClock.now - start).milliseconds),
            ])
        let gate = ReadyGate(onReady)
        let servers = [rpcServer(node, http, gate), peerServer(node, gate)]
        let proposer = configuration.proposer.map { Proposer(node: node, key: $0, clock: configuration.clock, logger: logger) }
        let keeper = MempoolKeeper(node: node, logger: logger)
        let disk = DiskWatch(path: configuration.databasePath, registry: configuration.registry, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keeper.restore() }
            group.addTask { await disk.run() }
            for server in servers { group.addTask { try await server.run() } }
            if let proposer { group.addTask { await proposer.run() } }
            // Each part ends by itself when the service stops; one that fails takes the others with it.
            do {
                while try await group.next() != nil {}
            } catch {
                group.cancelAll()
                throw error
            }
        }
        await keeper.save()
        let last = await node.snapshot().head.header.height
        logger.info("chain_closed", metadata: ["height": .stringConvertible(last)])
    }

    private func rpcServer(_ node: ChainNode, _ http: HTTPClient, _ gate: ReadyGate) -> HTTPServer {
        let routes = Routes(registry: configuration.registry, limiter: RateLimiter(configuration.serving.rates))
        ChainRoutes(node: node, registry: configuration.registry).add(to: routes)
        AttestRoutes(node: node, isOpen: configuration.isDevnet).add(to: routes)
        let access = configuration.adminToken.flatMap { token in
            configuration.admin.map { AdminRoutes.Access(token: token, key: $0, peers: PeerCheck(http: http)) }
        }
        AdminRoutes(node: node, access: access).add(to: routes)
        return HTTPServer(bind: configuration.rpc, routes: routes, limits: configuration.serving, logger: logger) { await gate.set(rpc: $0) }
    }

    private func peerServer(_ node: ChainNode, _ gate: ReadyGate) -> HTTPServer {
        let routes = Routes(registry: configuration.registry, limiter: RateLimiter(configuration.serving.rates))
        PeerRoutes(node: node).add(to: routes)
        return HTTPServer(bind: configuration.p2p, routes: routes, limits: configuration.serving, logger: logger) { await gate.set(p2p: $0) }
    }
}

/// Waits for both ports, then tells them once.
private actor ReadyGate {
    private var rpc: Int?
    private var p2p: Int?
    private let onReady: @Sendable (NodePorts) async -> Void

    init(_ onReady: @escaping @Sendable (NodePorts) async -> Void) { self.onReady = onReady }

    func set(rpc port: Int) async {
        rpc = port
        await tell()
    }

    func set(p2p port: Int) async {
        p2p = port
        await tell()
    }

    private func tell() async {
        if let rpc, let p2p { await onReady(NodePorts(rpc: rpc, p2p: p2p)) }
    }
}
