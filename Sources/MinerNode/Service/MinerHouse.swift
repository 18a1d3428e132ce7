import ChainClient
import HTTPServing
import Jobs
import Kernels
import Ledger
import Operations
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
    private let disk: DiskWatch
    private let courier: Courier
    private let claims: ClaimRoad
    private let intake: LeaseIntake
    private let payoutRule: PayoutRule
    private let history: HistoryKeeper
    let control: MinerControl
    let feed: EventFeed
    private let door: LocalGuard
    private let permit = WorkPermit()
    private let limits: LiveLimits
    private let turns: DeviceTurns
    private let warden: DeviceWarden
    private let permission: PermissionDesk
    private let desk: LimitsDesk
    private let setback: Setback

    /// - Throws: `io_failed` if the data directory can't be used.
    init(_ configuration: MinerConfiguration, _ events: EventSink, _ feed: EventFeed) throws(Problem) {
        (self.configuration, self.feed) = (configuration, feed)
        let folder = configuration.dataDirectory
        try DataFolder.make(folder)
        if let given = configuration.control { control = given } else { control = try MinerControl(folder: folder) }
        http = try HTTPClient()
        coordinator = CoordinatorClient(configuration.coordinator, key: configuration.key, http: http, now: configuration.now)
        node = NodeClient(configuration.node, http: http)
        store = try OutboxStore(path: "\(folder)/miner.db")
        outputs = try OutputFolder("\(folder)/outputs")
        outputs.removeStrays(keeping: try store.entries(in: ["computed"], limit: .max))
        cache = try BlobCache("\(folder)/blobs", maxBytes: configuration.cacheBytes)
        devices = DevicePool(configuration.backends, policy: configuration.health)
        let (payoutRule, devices) = (PayoutRule(node), self.devices)
        let history = HistoryKeeper(
            HistoryStore(path: "\(folder)/history.db", now: configuration.now()), samples: { devices.all.map(\.sample) }, earned: payoutRule.earned,
            milliseconds: { MinerClock().milliseconds }
        ) { note in events.emit(.historyNote, ["note": .string(note)], weight: .warning) }
        let events = events.heard(by: history.note)
        (self.events, self.payoutRule, self.history) = (events, payoutRule, history)
        let usable = Machine.current().memory.usableBytes
        limits = LiveLimits(
            configuration.limits, usualMemory: configuration.memoryCap ?? usable.map { $0 / 4 * 3 } ?? .max, mostMemory: usable ?? .max)
        let limits = self.limits
        turns = DeviceTurns(devices) { limits.memoryCap }
        intake = LeaseIntake(permit, limits)
        setback = Setback(configuration.pauses)
        board = StatusBoard(
            configuration,
            StatusBoard.Views(
                devices: devices, permit: permit, setback: setback, control: control, limits: limits, intake: intake, feed: feed, downloads: cache.downloads))
        door = try LocalGuard(folder: folder, bind: configuration.local)
        desk = LimitsDesk(
            limits: limits, devices: devices, http: http, cache: cache, outputs: outputs, permit: permit, events: events,
            cacheBytes: configuration.cacheBytes)
        permission = PermissionDesk(
            configuration.permission, control: control, limits: limits, permit: permit, port: configuration.activity, events: events, now: configuration.now)
        warden = DeviceWarden(
            turns: turns, permit: permit, events: events, leastSilence: configuration.leastSilence,
            hangEndsAfter: configuration.hangEndsAfter, holdLeases: configuration.holdLeases)
        metrics = MinerMetrics(configuration.registry)
        disk = DiskWatch(registry: configuration.registry, free: { DiskWatch.freeBytes(at: folder) }) { isLow, facts in
            let members = Dictionary(uniqueKeysWithValues: facts.map { ($0.name, JSON.integer(Int64($0.bytes))) })
            events.emit(isLow ? .diskLow : .diskAmple, members, weight: isLow ? .warning : .normal)
        }
        let board = self.board
        let claims = ClaimRoad(
            store: store, desk: ClaimDesk(node: node, key: configuration.key, chain: configuration.chain), outputs: outputs, events: events,
            metrics: metrics, pauses: configuration.pauses, followEvery: configuration.followEvery
        ) { problem in board.note(problem: problem) }
        self.claims = claims
        courier = try Courier(
            store: store, coordinator: coordinator, outputs: outputs, intake: intake, events: events, pauses: configuration.pauses, clock: MinerClock(),
            signed: claims.inbox
        ) { problem in board.note(problem: problem) }
        intake.skip(courier.leftoverLeases)
    }

    func routes() -> Routes {
        let own = LocalCompute(
            turns: turns, permit: permit, warden: warden, limits: limits, http: http, coordinator: configuration.coordinator)
        let routes = LocalRoutes.make(
            LocalRoutes.Parts(board: board, store: store, metrics: metrics, control: control, feed: feed, door: door, compute: own, payoutRule: payoutRule),
            configuration)
        HistoryRoutes.add(to: routes, door: door, history.store, configuration.services) { MinerClock().milliseconds / 1000 }
        WebRoutes.add(to: routes, door: door, tokenHint: "cat \(configuration.dataDirectory)/token", configuration.services) { () throws(Problem) in
            try await self.view()
        }
        return routes
    }

    /// What there is to see now.
    func view() async throws(Problem) -> MinerView {
        let status = board.json(outbox: try await store.tally())
        let past = await history.past()
        return MinerView(status: status, past: past, now: MinerClock().milliseconds, version: configuration.softwareVersion)
    }

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
                await self.claims.run()
                return nil
            }
            group.addTask {
                await self.disk.run()
                return nil
            }
            group.addTask {
                await self.history.run()
                return nil
            }
            group.addTask {
                await self.payoutRule.run()
                return nil
            }
            group.addTask {
                await self.permission.run()
                return nil
            }
            group.addTask {
                for await limits in self.configuration.limitChanges ?? AsyncStream(unfolding: { nil }) { await self.desk.set(limits) }
                return nil
            }
            group.addTask {
                for await refusal in self.configuration.limitRefusals ?? AsyncStream(unfolding: { nil }) {
                    self.events.emit(.configRefused, refusal.facts, weight: .error)
                }
                return nil
            }
            group.addTask {
                await self.desk.run()
                return nil
            }
            group.addTask {
                await GovernorLoop(devices: self.devices, limits: self.limits, sensors: self.configuration.sensors, events: self.events).run()
                return nil
            }
            group.addTask { await Result.of { () async throws(Problem) in try await self.mine(onReady) }.problem }
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
        permission.decide()
        for failed in await devices.selfTest() {
            events.emit(
                .backendRefused,
                ["backend": .string(failed.name), "reason": .string(failed.failure.reason.rawValue)].merging(failed.failure.problem.facts) { $1 },
                weight: .error)
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
        limits.note(usualMemory: profile.profile.memoryBytes)
        let loop = LeaseLoop(
            configuration, coordinator: coordinator, intake: intake, board: board, events: events, permit: permit, limits: limits, control: control,
            challenges: ChallengeDesk(
                coordinator: coordinator, turns: turns, permit: permit, warden: warden, limits: limits, board: board, events: events),
            profile: profile)
        guard await loop.register() else { return }
        board.stage = .ready
        await onReady()
        events.emit(.ready, ["address": .string(configuration.key.address.text)])
        let runner = LeaseRunner(
            configuration: configuration, coordinator: coordinator, escrows: EscrowDesk(node), turns: turns,
            inputs: InputLoader(cache: cache, coordinator: coordinator), outputs: outputs, store: store, courier: courier, events: events, metrics: metrics,
            permit: permit, limits: limits, warden: warden, setback: setback)
        let outcome: Problem? = await withTaskGroup(of: Problem?.self) { group in
            group.addTask { await Result.of { () async throws(Problem) in try await self.warden.run() }.problem }
            group.addTask {
                await loop.run(runner)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        if let outcome { throw outcome }
    }

    /// The profile, measured or given, with no more memory than jobs may have here: what is registered is what is accepted.
    private func measure() async throws(Problem) -> Profiler.Outcome {
        let cap: Int64? = configuration.memoryCap ?? Machine.current().memory.usableBytes.map { $0 / 4 * 3 }
        let outcome: Profiler.Outcome
        if let profile = configuration.profile {
            outcome = profile
        } else {
            outcome = try await kept(cap)
        }
        return cap.map { outcome.capped(at: $0) } ?? outcome
    }

    /// The measurement of an earlier start, if it still tells of this machine, or a new one.
    private func kept(_ cap: Int64?) async throws(Problem) -> Profiler.Outcome {
        let cache = ProfileCache(folder: configuration.dataDirectory)
        let machine = Machine.current()
        let (devices, core, version) = (devices.usable.map(\.backend), configuration.blasCore, configuration.softwareVersion)
        let fingerprint = ProfileCache.fingerprint(machine, devices, blasCore: core, softwareVersion: version)
        if !configuration.reprofile, let known = cache.load(fingerprint, machine: machine, now: configuration.now()) { return known }
        let outcome = try await Profiler(backends: devices, memoryCap: cap, softwareVersion: version, blasCore: core).run()
        cache.save(outcome, fingerprint, now: configuration.now())
        return outcome
    }
}

extension Profiler.Outcome {
    /// The same with at most so much memory.
    func capped(at bytes: Int64) -> Profiler.Outcome { with(memoryBytes: min(profile.memoryBytes, bytes)) { min($0.memoryBytes, bytes) } }

    /// The same with so much of the machine's memory, whatever was measured with; an accelerator has no more than it gives to jobs now.
    ///
    /// - Parameter accelerators: those of this machine; one that isn't among them has what was measured.
    func offering(_ bytes: Int64, accelerators: [Accelerator] = []) -> Profiler.Outcome {
        let now = accelerators.map(WorkerDevice.init)
        return with(memoryBytes: bytes) { device in
            guard device.kind != "cpu" else { return bytes }
            let same = now.first { $0.kind == device.kind && $0.name == device.name }
            return min((same ?? device).memoryBytes, bytes)
        }
    }

    private func with(memoryBytes: Int64, _ device: (WorkerDevice) -> Int64) -> Profiler.Outcome {
        let changed = WorkerProfile(
            cpuModel: profile.cpuModel, cores: profile.cores, isa: profile.isa, memoryBytes: memoryBytes,
            devices: profile.devices.map { WorkerDevice(kind: $0.kind, name: $0.name, memoryBytes: device($0)) },
            f32FlopsPerSecond: profile.f32FlopsPerSecond, memoryBytesPerSecond: profile.memoryBytesPerSecond, blasCore: profile.blasCore,
            softwareVersion: profile.softwareVersion)
        return Profiler.Outcome(
            machine: machine, bestBackend: bestBackend, f32FlopsPerSecond: f32FlopsPerSecond, memoryBytesPerSecond: memoryBytesPerSecond, tier: tier,
            profile: changed, rates: rates)
    }
}
