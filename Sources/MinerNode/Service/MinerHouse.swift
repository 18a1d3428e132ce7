import ChainClient
import HTTPServing
import Jobs
import Kernels
import Profiler
import Signing
import Wire

/// The parts of a miner, put together, and the order in which they start.
final class MinerHouse: Sendable {
    private let configuration: MinerConfiguration
    private let events: EventSink
    private let http: HTTPClient
    private let coordinator: CoordinatorClient
    private let node: NodeClient
    private let store: OutboxStore
    private let outputs: OutputFolder
    private let cache: BlobCache
    private let devices: DevicePool
    private let board: StatusBoard
    private let metrics: MinerMetrics
    private let courier: Courier

    /// - Throws: `io_failed` if the data directory can't be used.
    init(_ configuration: MinerConfiguration, _ events: EventSink) throws(Problem) {
        self.configuration = configuration
        self.events = events
        let folder = configuration.dataDirectory
        try DataFolder.make(folder)
        http = try HTTPClient()
        coordinator = CoordinatorClient(configuration.coordinator, key: configuration.key, http: http, now: configuration.now)
        node = NodeClient(configuration.node, http: http)
        store = try OutboxStore(path: "\(folder)/miner.db")
        outputs = try OutputFolder("\(folder)/outputs")
        outputs.removeStrays(keeping: try store.entries(in: ["computed"], limit: .max))
        cache = try BlobCache("\(folder)/blobs", maxBytes: configuration.cacheBytes)
        devices = DevicePool(configuration.backends)
        board = StatusBoard(configuration, devices)
        metrics = MinerMetrics(configuration.registry)
        let board = self.board
        courier = try Courier(
            store: store, coordinator: coordinator, claims: ClaimDesk(node: node, key: configuration.key, chain: configuration.chain), outputs: outputs,
            events: events,
            pauses: configuration.pauses, followEvery: configuration.followEvery
        ) { problem in board.note(problem: problem) }
    }

    func routes() -> Routes { LocalRoutes.make(board, store, metrics, configuration.registry) }

    /// Ends every transfer. The outbox is closed with its last user, which may be a computation that is told to stop and hasn't yet.
    func close() { http.close() }

    /// Everything, until the task is canceled. What an earlier run left in the outbox is looked after from the first moment on.
    func work(onReady: @escaping @Sendable () async -> Void) async throws(Problem) {
        let outcome: Problem? = await withTaskGroup(of: Problem?.self) { group in
            group.addTask {
                await self.courier.run()
                return nil
            }
            group.addTask {
                do throws(Problem) {
                    try await self.mine(onReady)
                    return nil
                } catch {
                    return error
                }
            }
            for await problem in group where problem != nil {
                group.cancelAll()
                return problem
            }
            return nil
        }
        board.stage = .stopping
        events.emit(.stopping)
        if let outcome { throw outcome }
    }

    private func mine(_ onReady: @Sendable () async -> Void) async throws(Problem) {
        board.stage = .testing
        for failure in await devices.selfTest() {
            events.emit(.backendRefused, ["backend": .string(failure.name)].merging(failure.problem.facts) { $1 }, weight: .error)
        }
        guard !devices.usable.isEmpty else { throw Problem(.backendUnavailable, "no device passed its self-test") }

        board.stage = .profiling
        let profile = try await measure()
        board.note(profile: profile)
        events.emit(
            .profiled,
            [
                "tier": .string(profile.tier.rawValue), "gflops": .real((profile.profile.f32Gigaflops * 10).rounded() / 10),
                "memory_gb_per_s": .real((profile.profile.memoryGigabytesPerSecond * 10).rounded() / 10), "cores": .integer(Int64(profile.profile.cores)),
            ])

        board.stage = .registering
        let registration = WorkerRegistration(
            publicKey: configuration.key.publicKey, payout: configuration.payout, tier: profile.tier, profile: profile.profile)
        guard await register(registration) else { return }
        board.stage = .ready
        await onReady()
        events.emit(.ready, ["address": .string(configuration.key.address.text)])
        await lease(registration, memoryCap: Int(clamping: min(profile.profile.memoryBytes, configuration.memoryCap ?? .max)))
    }

    private func measure() async throws(Problem) -> Profiler.Outcome {
        if let profile = configuration.profile { return profile }
        let machine = Machine.current()
        let cap = configuration.memoryCap ?? machine.memory.usableBytes.map { $0 / 4 * 3 }
        return try await Profiler(
            backends: devices.usable, memoryCap: cap, softwareVersion: configuration.softwareVersion, blasCore: configuration.blasCore
        ).run()
    }

    /// Tries until it works; false if the task was canceled before. A refusal that time can't mend is told each time.
    private func register(_ registration: WorkerRegistration) async -> Bool {
        var pauses = configuration.pauses
        while !Task.isCancelled {
            do throws(Problem) {
                try await coordinator.registerWorker(registration)
                board.note(problem: nil)
                events.emit(.registered, ["address": .string(registration.address.text), "tier": .string(registration.tier.rawValue)])
                return true
            } catch {
                if Task.isCancelled { return false }
                board.note(problem: error)
                events.emit(.serviceUnreachable, ["service": "coordinator"].merging(error.facts) { $1 }, weight: .warning)
                try? await Task.sleep(for: pauses.next())
            }
        }
        return false
    }

    /// Asks for work and runs it, `prefetch` + 1 leases at a time.
    private func lease(_ registration: WorkerRegistration, memoryCap: Int) async {
        let runner = LeaseRunner(
            configuration: configuration, coordinator: coordinator, node: node, devices: devices, inputs: InputLoader(cache: cache, coordinator: coordinator),
            outputs: outputs, store: store, courier: courier, events: events, metrics: metrics, compute: Gate(width: 1), memoryCap: memoryCap)
        let places = Gate(width: configuration.prefetch + 1)
        await withDiscardingTaskGroup { group in
            var pauses = configuration.pauses
            while await places.enter() {
                let asked = ContinuousClock.now
                do throws(Problem) {
                    let leases = try await coordinator.lease(max: 1, waitSeconds: configuration.pollSeconds)
                    for lease in leases.prefix(1) {
                        group.addTask {
                            let control = WorkControl()
                            self.board.begin(lease, control)
                            await runner.run(lease, control: control)
                            self.board.end(lease)
                            places.leave()
                        }
                    }
                    if !leases.isEmpty {
                        pauses.reset()
                        board.note(problem: nil)
                        continue
                    }
                    places.leave()
                    // A coordinator that answers at once with nothing isn't asked in a circle.
                    if ContinuousClock.now - asked < .milliseconds(500) { try? await Task.sleep(for: pauses.next()) } else { pauses.reset() }
                } catch {
                    places.leave()
                    if Task.isCancelled { return }
                    board.note(problem: error)
                    events.emit(.serviceUnreachable, ["service": "coordinator"].merging(error.facts) { $1 }, weight: .warning)
                    if error.code == .unknownWorker { _ = await register(registration) }
                    try? await Task.sleep(for: pauses.next())
                }
            }
        }
    }
}
