import HTTPServing
import Jobs
package import Kernels
package import Logging
import ServiceLifecycle
import Signing
package import Wire

/// A coordinator: keeps tensors, sells work, leases it out, checks what comes back, signs for it.
///
/// State is in `dataDirectory`: `coordinator.db` and `blobs/`. A coordinator that is killed picks up where it was.
package final class CoordinatorService: Service {
    private let configuration: CoordinatorConfiguration
    private let chain: any ChainPort
    private let clock: any ServiceClock
    private let logger: Logger
    private let board: JobBoard
    private let checker: OutputChecker
    private let blobs: BlobStore
    private let gate: UploadGate
    private let store: any JobStore
    private let registry: PrometheusRegistry
    private let events: EventHub
    private let onReady: @Sendable (Int) async -> Void

    /// Opens the store and takes up what it holds. Blocks while it reads.
    ///
    /// - Parameters:
    ///   - passes: the heavy passes of the checks.
    ///   - onReady: is given the port once requests are taken.
    /// - Throws: `io_failed`, and whatever a damaged store gives.
    package init(
        _ configuration: CoordinatorConfiguration, chain: any ChainPort, passes: any VerifierPasses, clock: any ServiceClock = SystemClock(),
        logger: Logger, onReady: @escaping @Sendable (Int) async -> Void = { _ in }
    ) throws(Problem) {
        self.configuration = configuration
        self.chain = chain
        self.clock = clock
        self.logger = logger
        self.onReady = onReady
        registry = PrometheusRegistry()
        try BlobStore.makeFolder(configuration.dataDirectory)
        let store = try SQLiteJobStore(path: configuration.dataDirectory + "/coordinator.db")
        self.store = store
        blobs = try BlobStore(directory: configuration.dataDirectory + "/blobs") { (root) throws(Problem) in try store.smallBlob(root) }
        checker = OutputChecker(blobs: blobs, passes: passes, limit: configuration.limits.jobBytes)
        let partial = try store.uploads()
        let lost = try blobs.tidyPartials(Set(partial.map(\.key)))
        for key in lost { try store.removeUpload(key) }
        var kept = try store.blobBytes()
        for upload in partial where !lost.contains(upload.key) { kept[upload.key.owner, default: 0] += upload.bytes }
        gate = UploadGate(limits: configuration.limits, kept: kept)
        events = EventHub(start: clock.nowMilliseconds, maxListeners: configuration.limits.eventListeners, registry: registry)
        board = JobBoard(
            configuration: configuration, store: store, blobs: blobs, gate: gate, clock: clock, metrics: BoardMetrics(registry), events: events,
            logger: logger)
    }

    /// Serves until graceful shutdown or cancellation.
    package func run() async throws {
        try await board.restore()
        let start = try await nextSecond()
        let authenticator = try RequestAuthenticator(
            clock: clock, start: start, authorities: configuration.authorities, store: store)
        let limiter = RateLimiter(configuration.serving.rates)
        let routes = self.routes(authenticator, limiter)
        let server = HTTPServer(bind: configuration.bind, routes: routes.routes(), limits: configuration.serving, logger: logger) {
            [self] port in
            if configuration.bind.isLoopback {
                authenticator.allow(["localhost:\(port)", "127.0.0.1:\(port)", "[::1]:\(port)"])
            }
            logger.info("coordinator_ready", metadata: ["port": .stringConvertible(port), "address": "\(configuration.key.address)"])
            await onReady(port)
        }
        let loop = CheckLoop(checker: checker, board: board, clock: clock, logger: logger)
        let desk = OutgoingDesk(
            keys: [configuration.key] + (configuration.sponsor.map { [$0.key] } ?? []), chainID: configuration.chain, chain: chain, store: store,
            clock: clock, metrics: BoardMetrics(registry), logger: logger)
        let watcher = ChainWatcher(
            chain: chain, board: board, desk: desk, coordinator: configuration.key.publicKey, scanEvery: configuration.limits.escrowScanRounds,
            clock: clock, interval: configuration.limits.chainPollMilliseconds, logger: logger)
        let small = CheckLoop(checker: checker, board: board, clock: clock, logger: logger)
        try await serve(server, loop, small, watcher, routes.blobs)
    }

    private func routes(_ authenticator: RequestAuthenticator, _ limiter: RateLimiter) -> CoordinatorRoutes {
        let blobs = BlobService(
            blobs: self.blobs, store: store, gate: gate, authenticator: authenticator, limiter: limiter, limits: configuration.limits, clock: clock)
        return CoordinatorRoutes(
            board: board, blobs: blobs, events: events, sponsor: configuration.sponsor, authenticator: authenticator, checker: checker,
            registry: registry, metrics: BoardMetrics(registry), limits: configuration.limits, limiter: limiter)
    }

    /// The server decides about the end; the loops around it end with it.
    private func serve(_ server: HTTPServer, _ loop: CheckLoop, _ small: CheckLoop, _ watcher: ChainWatcher, _ blobs: BlobService) async throws {
        let board = self.board
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await server.run()
                return true
            }
            group.addTask {
                await loop.run(board.checks)
                return false
            }
            group.addTask {
                await small.runSmall(board.smallBell)
                return false
            }
            group.addTask {
                await watcher.run()
                return false
            }
            group.addTask { [self] in
                await DiskWatch(path: configuration.dataDirectory, largest: configuration.limits.blobBytes, registry: registry, logger: logger).run()
                return false
            }
            group.addTask { [self] in
                await tick(blobs)
                return false
            }
            group.addTask { [logger] in
                // Long calls end at once, so that the server has nothing to wait for.
                try? await gracefulShutdown()
                logger.info("stopping")
                await board.stop()
                return false
            }
            defer { group.cancelAll() }
            for try await isServer in group where isServer { return }
        }
    }

    private func tick(_ blobs: BlobService) async {
        var nextSweep: Int64 = 0
        while !Task.isCancelled {
            await board.tick()
            if clock.nowMilliseconds >= nextSweep {
                nextSweep = clock.nowMilliseconds + configuration.limits.blobSweepMilliseconds
                do { try await blobs.sweepUploads() } catch { logger.error("upload_sweep_failed", metadata: ["error": "\(error)"]) }
            }
            do { try await clock.sleep(milliseconds: configuration.limits.tickMilliseconds) } catch { return }
        }
    }

    /// Waits for the clock's next whole second and returns it.
    ///
    /// Signed requests carry whole seconds. One of the second in which this process started could be a repetition of one that
    /// an earlier process saw, so requests are taken from the next second on.
    private func nextSecond() async throws -> Int64 {
        let now = clock.nowMilliseconds
        let rest = (1000 - now % 1000) % 1000
        if rest > 0 { try await clock.sleep(milliseconds: rest) }
        return (now + rest) / 1000
    }
}
