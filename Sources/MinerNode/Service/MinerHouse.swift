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

    func routes() -> Routes { LocalRoutes.make(board, store, metrics, configuration) }

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
        await lease(registration)
    }

    /// The profile, measured or given, with no more memory than jobs may have here: what is registered is what is accepted.
    private func measure() async throws(Problem) -> Profiler.Outcome {
        let cap = configuration.memoryCap ?? Machine.current().memory.usableBytes.map { $0 / 4 * 3 }
        let outcome: Profiler.Outcome
        if let profile = configuration.profile {
            outcome = profile
        } else {
            outcome = try await Profiler(
                backends: devices.usable, memoryCap: cap, softwareVersion: configuration.softwareVersion, blasCore: configuration.blasCore
            ).run()
        }
        return cap.map { outcome.capped(at: $0) } ?? outcome
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

    /// Asks for work and runs it, `prefetch` + 1 leases at a time, the next one when the computation before it is past its half.
    private func lease(_ registration: WorkerRegistration) async {
        let setback = Setback(configuration.pauses)
        let runner = LeaseRunner(
            configuration: configuration, coordinator: coordinator, node: node, devices: devices, inputs: InputLoader(cache: cache, coordinator: coordinator),
            outputs: outputs, store: store, courier: courier, events: events, metrics: metrics, compute: Gate(width: 1),
            memoryCap: Int(clamping: registration.profile.memoryBytes), setback: setback)
        let places = Gate(width: configuration.prefetch + 1)
        // A lease that waited behind a whole long computation could run out before its own turn.
        let next = Gate(width: 1)
        await withDiscardingTaskGroup { group in
            var pauses = configuration.pauses
            while await next.enter() {
                guard await places.enter() else { return }
                await setback.wait()
                guard let lease = await ask(registration, &pauses) else {
                    places.leave()
                    next.leave()
                    continue
                }
                group.addTask {
                    let control = WorkControl { next.leave() }
                    self.board.begin(lease, control)
                    await runner.run(lease, control: control)
                    self.board.end(lease)
                    places.leave()
                    control.passOn()
                }
            }
        }
    }

    /// One call for a lease; nil, after a pause where one is due, if there was none.
    private func ask(_ registration: WorkerRegistration, _ pauses: inout Pauses) async -> Lease? {
        let asked = ContinuousClock.now
        do throws(Problem) {
            if let lease = try await coordinator.lease(max: 1, waitSeconds: configuration.pollSeconds).first {
                pauses.reset()
                board.note(problem: nil)
                return lease
            }
            // A coordinator that answers at once with nothing isn't asked in a circle.
            if ContinuousClock.now - asked < .milliseconds(500) { try? await Task.sleep(for: pauses.next()) } else { pauses.reset() }
        } catch {
            if Task.isCancelled { return nil }
            board.note(problem: error)
            events.emit(.serviceUnreachable, ["service": "coordinator"].merging(error.facts) { $1 }, weight: .warning)
            if error.code == .unknownWorker { _ = await register(registration) }
            try? await Task.sleep(for: pauses.next())
        }
        return nil
    }
}

extension Profiler.Outcome {
    /// The same with at most so much memory.
    func capped(at bytes: Int64) -> Profiler.Outcome {
        let devices = profile.devices.map { WorkerDevice(kind: $0.kind, name: $0.name, memoryBytes: min($0.memoryBytes, bytes)) }
        let capped = WorkerProfile(
            cpuModel: profile.cpuModel, cores: profile.cores, isa: profile.isa, memoryBytes: min(profile.memoryBytes, bytes), devices: devices,
            f32FlopsPerSecond: profile.f32FlopsPerSecond, memoryBytesPerSecond: profile.memoryBytesPerSecond, blasCore: profile.blasCore,
            softwareVersion: profile.softwareVersion)
        return Profiler.Outcome(
            machine: machine, bestBackend: bestBackend, f32FlopsPerSecond: f32FlopsPerSecond, memoryBytesPerSecond: memoryBytesPerSecond, tier: tier,
            profile: capped)
    }
}
