import ChainClient
import HTTPServing
import Jobs
import Kernels
import Ledger
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
    private let intake = LeaseIntake()
    private let payoutRule: PayoutRule
    private let history: HistoryKeeper

    /// - Throws: `io_failed` if the data directory can't be used.
    init(_ configuration: MinerConfiguration, _ events: EventSink) throws(Problem) {
        self.configuration = configuration
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
        let (payoutRule, devices) = (PayoutRule(node), self.devices)
        let history = HistoryKeeper(
            HistoryStore(path: "\(folder)/history.db", now: configuration.now()), samples: { devices.all.map { DeviceSample(device: $0.backend.name) } },
            earned: payoutRule.earned, milliseconds: { MinerClock().milliseconds }
        ) { note in events.emit(.historyNote, ["note": .string(note)], weight: .warning) }
        let events = events.heard(by: history.note)
        (self.events, self.payoutRule, self.history) = (events, payoutRule, history)
        board = StatusBoard(configuration, devices)
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
        let routes = LocalRoutes.make(board, store, metrics, configuration)
        HistoryRoutes.add(to: routes, history.store) { MinerClock().milliseconds / 1000 }
        WebRoutes.add(to: routes, tokenHint: "cat \(configuration.dataDirectory)/token") { () throws(Problem) in try await self.view() }
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
            outcome = try await kept(cap)
        }
        return cap.map { outcome.capped(at: $0) } ?? outcome
    }

    /// The measurement of an earlier start, if it still tells of this machine, or a new one.
    private func kept(_ cap: Int64?) async throws(Problem) -> Profiler.Outcome {
        let cache = ProfileCache(folder: configuration.dataDirectory)
        let machine = Machine.current()
        let (devices, core, version) = (devices.usable, configuration.blasCore, configuration.softwareVersion)
        let fingerprint = ProfileCache.fingerprint(machine, devices, blasCore: core, softwareVersion: version)
        if !configuration.reprofile, let known = cache.load(fingerprint, machine: machine, now: configuration.now()) { return known }
        let outcome = try await Profiler(backends: devices, memoryCap: cap, softwareVersion: version, blasCore: core).run()
        cache.save(outcome, fingerprint, now: configuration.now())
        return outcome
    }

    /// Tries until it works; false if the task was canceled before. A refusal that time can't mend is told each time.
    private func register(_ registration: WorkerRegistration) async -> Bool {
        var pauses = configuration.pauses
        while !Task.isCancelled {
            do throws(Problem) {
                try await checkChain()
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

    /// Throws `wrong_chain` where the coordinator works for another chain: every one of its leases would be given back.
    private func checkChain() async throws(Problem) {
        let theirs = try await coordinator.networkState().chain
        guard theirs == configuration.chain else {
            throw Problem(.wrongChain, "the coordinator works for chain \(theirs), this miner for \(configuration.chain); set CHAIN_ID, or COORDINATOR_URL")
        }
    }

    /// Runs leases, `prefetch` + 1 at a time, the next one when the computation before it is past its half; of small ones a few more.
    private func lease(_ registration: WorkerRegistration) async {
        let setback = Setback(configuration.pauses)
        let runner = LeaseRunner(
            configuration: configuration, coordinator: coordinator, escrows: EscrowDesk(node), devices: devices,
            inputs: InputLoader(cache: cache, coordinator: coordinator), outputs: outputs, store: store, courier: courier, events: events, metrics: metrics,
            compute: Gate(width: 1), memoryCap: Int(clamping: registration.profile.memoryBytes), setback: setback)
        let places = Gate(width: configuration.prefetch + 1)
        let smallPlaces = Gate(width: Self.smallAtOnce)
        // A lease that waited behind a whole long computation could run out before its own turn.
        let next = Gate(width: 1)
        let smallUnits = max(50, registration.profile.f32FlopsPerSecond / 20_000_000)
        await withDiscardingTaskGroup { group in
            group.addTask { await LeaseSupply(coordinator: self.coordinator, intake: self.intake, board: self.board, events: self.events).keepAlive() }
            group.addTask { await self.ask(registration) }
            while await next.enter() {
                guard await places.enter() else { break }
                await setback.wait()
                guard let lease = await intake.next(isSmall: { $0.quote.computeUnits <= smallUnits }) else { break }
                let isSmall = lease.quote.computeUnits <= smallUnits
                if isSmall {
                    places.leave()
                    guard await smallPlaces.enter() else {
                        intake.putBack(lease)
                        break
                    }
                }
                group.addTask {
                    let control = WorkControl { next.leave() }
                    if isSmall { control.passOn() }
                    self.board.begin(lease, control)
                    await runner.run(lease, control: control)
                    self.board.end(lease)
                    self.intake.forget(lease.id)
                    (isSmall ? smallPlaces : places).leave()
                    control.passOn()
                }
            }
            group.cancelAll()
        }
        await LeaseSupply(coordinator: coordinator, intake: intake, board: board, events: events).giveAllBack(
            within: configuration.giveBackWithin)
    }

    /// Small leases that are worked on at one time: two full messages of results on their way, and half of a third one in the making.
    private static let smallAtOnce = 40

    /// Brings leases whenever some are wanted, until the task is canceled.
    private func ask(_ registration: WorkerRegistration) async {
        let supply = LeaseSupply(coordinator: coordinator, intake: intake, board: board, events: events)
        var pauses = configuration.pauses
        while !Task.isCancelled {
            await intake.untilWanted()
            let asked = ContinuousClock.now
            do throws(Problem) {
                if try await supply.bring(waitSeconds: configuration.pollSeconds) {
                    pauses.reset()
                    board.note(problem: nil)
                    continue
                }
                // A coordinator that answers at once with nothing isn't asked in a circle.
                if ContinuousClock.now - asked < .milliseconds(500) { try? await Task.sleep(for: pauses.next()) } else { pauses.reset() }
            } catch {
                if Task.isCancelled { return }
                board.note(problem: error)
                events.emit(.serviceUnreachable, ["service": "coordinator"].merging(error.facts) { $1 }, weight: .warning)
                if error.code == .unknownWorker { _ = await register(registration) }
                try? await Task.sleep(for: error.code == .workerExcluded ? pauses.longest : pauses.next())
            }
        }
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
            profile: capped, rates: rates)
    }
}
