import ChainClient
import Jobs
import Kernels
import Ledger
import Profiler
import Signing
import Synchronization
import Wire

/// Registers with the coordinator, asks for leases whenever some are wanted and allowed, and runs them.
final class LeaseLoop: Sendable {
    private let configuration: MinerConfiguration
    private let coordinator: CoordinatorClient
    private let intake: LeaseIntake
    private let board: StatusBoard
    private let events: EventSink
    private let permit: WorkPermit
    private let limits: LiveLimits
    private let control: MinerControl
    private let challenges: ChallengeDesk
    private let profile: Profiler.Outcome
    /// What was registered last; nil where the coordinator has been told to give nothing, or doesn't know this miner.
    private let registered = Mutex<WorkerRegistration?>(nil)

    init(
        _ configuration: MinerConfiguration, coordinator: CoordinatorClient, intake: LeaseIntake, board: StatusBoard, events: EventSink, permit: WorkPermit,
        limits: LiveLimits, control: MinerControl, challenges: ChallengeDesk, profile: Profiler.Outcome
    ) {
        self.challenges = challenges
        (self.configuration, self.coordinator, self.intake, self.board) = (configuration, coordinator, intake, board)
        (self.events, self.permit, self.limits, self.control, self.profile) = (events, permit, limits, control, profile)
    }

    private var supply: LeaseSupply {
        LeaseSupply(
            coordinator: coordinator, intake: intake, board: board, events: events, permit: permit, limits: limits, challenges: challenges)
    }

    // MARK: registration

    /// What the coordinator is told: the profile, with no more memory than jobs may have here now, on each device.
    private var registration: WorkerRegistration {
        WorkerRegistration(
            publicKey: configuration.key.publicKey, payout: configuration.payout, tier: profile.tier,
            profile: profile.offering(limits.memoryBytes, accelerators: configuration.backends.compactMap(\.accelerator)).profile)
    }

    /// Tries until it works; false if the task was canceled before. A refusal that time can't mend is told each time.
    func register() async -> Bool {
        var pauses = configuration.pauses
        while !Task.isCancelled {
            do throws(Problem) {
                try await checkChain()
                let registration = registration
                board.note(placement: try await coordinator.register(registration).placement)
                registered.withLock { $0 = registration }
                board.note(problem: nil)
                board.note(asking: nil)
                events.emit(.registered, ["address": .string(registration.address.text), "tier": .string(registration.tier.rawValue)])
                return true
            } catch {
                if Task.isCancelled { return false }
                board.note(problem: error)
                board.note(asking: error)
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

    // MARK: leases

    /// Runs leases, one on each device and `prefetch` more; of small ones a few more.
    func run(_ runner: LeaseRunner) async {
        let room = LeaseRoom(runner.turns, prefetch: configuration.prefetch)
        let smallPlaces = Gate(width: Self.smallAtOnce)
        let smallUnits = max(50, profile.profile.f32FlopsPerSecond / 20_000_000)
        await withDiscardingTaskGroup { group in
            group.addTask { await self.supply.keepAlive(holding: self.configuration.holdLeases) }
            group.addTask { await self.ask() }
            group.addTask { await self.tellCoordinator() }
            while await room.untilRoom() {
                await runner.setback.wait()
                await permit.untilMayCompute()
                guard let lease = await intake.next(isSmall: { $0.quote.computeUnits <= smallUnits }) else { break }
                let isSmall = lease.quote.computeUnits <= smallUnits
                if !isSmall {
                    room.began()
                } else if await !smallPlaces.enter() {
                    intake.putBack(lease)
                    break
                }
                group.addTask {
                    let control = WorkControl { if !isSmall { room.passedOn() } }
                    if isSmall { control.passOn() }
                    self.board.begin(lease, control)
                    await runner.run(lease, control: control)
                    self.board.end(lease)
                    self.intake.forget(lease.id)
                    control.passOn()
                    if isSmall { smallPlaces.leave() } else { room.ended() }
                }
            }
            group.cancelAll()
        }
        await supply.giveAllBack(within: configuration.giveBackWithin)
    }

    /// Small leases that are worked on at one time: two full messages of results on their way, and half of a third one in the making.
    private static let smallAtOnce = 40

    /// Brings leases whenever some are wanted and allowed, until the task is canceled.
    private func ask() async {
        var pauses = configuration.pauses
        while !Task.isCancelled {
            await intake.untilWanted()
            if !permit.mayTake {
                await rest()
                continue
            }
            // What changes from here on ends the call: it was registered before, or not at all.
            let generation = limits.generation
            if registered.withLock({ $0 })?.profile != registration.profile, !(await register()) { return }
            let asked = ContinuousClock.now
            do throws(Problem) {
                switch try await call(since: generation) {
                case .brought:
                    pauses.reset()
                    board.note(problem: nil)
                    board.note(asking: nil)
                case .nothing:
                    board.note(asking: nil)
                    // A coordinator that answers at once with nothing isn't asked in a circle.
                    if ContinuousClock.now - asked < .milliseconds(500) { try? await Task.sleep(for: pauses.next()) } else { pauses.reset() }
                case .broken: break
                }
            } catch {
                if Task.isCancelled { return }
                board.note(problem: error)
                board.note(asking: error)
                events.emit(.serviceUnreachable, ["service": "coordinator"].merging(error.facts) { $1 }, weight: .warning)
                if error.code == .unknownWorker { _ = await register() }
                try? await Task.sleep(for: error.code == .workerExcluded ? pauses.longest : pauses.next())
            }
        }
    }

    private enum Outcome: Sendable {
        case brought, nothing
        /// Nothing new is allowed any more, or other jobs are.
        case broken
    }

    /// One call for work; it ends when work isn't allowed any more, or what is allowed has changed since then.
    private func call(since generation: UInt64) async throws(Problem) -> Outcome {
        let outcome: Result<Outcome, Problem> = await withTaskGroup(of: Result<Outcome, Problem>.self) { group in
            group.addTask {
                await Result.of { () async throws(Problem) in
                    try await self.supply.bring(waitSeconds: self.configuration.pollSeconds) ? .brought : .nothing
                }
            }
            group.addTask {
                await self.permit.untilMayNotTake()
                return .success(.broken)
            }
            group.addTask {
                await self.limits.untilChanged(since: generation)
                return .success(.broken)
            }
            let first = await group.next() ?? .success(.broken)
            group.cancelAll()
            return first
        }
        // The answer may have been on its way.
        if case .success(.broken) = outcome { intake.doubt() }
        return try outcome.get()
    }

    /// Has the coordinator know of a pause and a drain that the operator asks for: it gives nothing until the next registration, and counts on nobody.
    private func tellCoordinator() async {
        for await mode in control.changes() where mode != .working {
            registered.withLock { $0 = nil }
            var pauses = configuration.pauses
            while !Task.isCancelled, control.mode != .working {
                do throws(Problem) {
                    try await coordinator.drain()
                    break
                } catch {
                    try? await Task.sleep(for: pauses.next())
                }
            }
        }
    }

    /// Waits until work is allowed; the coordinator is asked what it has given meanwhile.
    private func rest() async {
        if intake.takeDoubt() {
            do throws(Problem) { intake.add(try await coordinator.heldLeases()) } catch { intake.doubt() }
        }
        await permit.untilMayTake()
    }
}
