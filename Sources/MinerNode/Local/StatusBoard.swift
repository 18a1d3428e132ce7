import ChainClient
import Jobs
import Kernels
import Ledger
import Operations
import Profiler
import Signing
import Synchronization
import Wire

/// What the miner is doing, for its own HTTP API.
final class StatusBoard: Sendable {
    enum Stage: String, Sendable { case starting, testing, profiling, registering, ready, stopping }

    private struct State {
        var stage = Stage.starting
        var profile: Profiler.Outcome?
        var leases: [String: (lease: Lease, control: WorkControl)] = [:]
        var problem: Problem?
        /// Why the last call for work failed.
        var asking: Problem?
        /// Where the coordinator places this miner.
        var placement: TierPlacement?
        /// Why the coordinator had nothing the last time.
        var noWork: (reason: WorkReason, detail: String?)?
    }

    private let state = Mutex(State())
    /// What the state of a miner is seen from.
    struct Views: Sendable {
        let devices: DevicePool
        let permit: WorkPermit
        let setback: Setback
        let control: MinerControl
        let limits: LiveLimits
        let intake: LeaseIntake
        let feed: EventFeed
        let downloads: DownloadMeter
    }

    private let configuration: MinerConfiguration
    private let views: Views

    init(_ configuration: MinerConfiguration, _ views: Views) { (self.configuration, self.views) = (configuration, views) }

    var stage: Stage {
        get { state.withLock { $0.stage } }
        set { state.withLock { $0.stage = newValue } }
    }

    /// The last problem that will be tried again.
    var problem: Problem? { state.withLock { $0.problem } }

    var leaseCount: Int { state.withLock { $0.leases.count } }

    func note(profile: Profiler.Outcome) { state.withLock { $0.profile = profile } }
    /// The last problem that will be tried again; nil when it is over.
    func note(problem: Problem?) { state.withLock { $0.problem = problem } }
    /// Why the last call for work failed; nil when one worked.
    func note(asking problem: Problem?) { state.withLock { $0.asking = problem } }
    /// Why the coordinator had nothing; nil where it had something, or doesn't say.
    func note(noWork: (reason: WorkReason, detail: String?)?) { state.withLock { $0.noWork = noWork } }
    /// Where the coordinator places this miner; nil where it doesn't say.
    func note(placement: TierPlacement?) { state.withLock { $0.placement = placement } }
    func begin(_ lease: Lease, _ control: WorkControl) { state.withLock { $0.leases[lease.id] = (lease, control) } }
    func end(_ lease: Lease) { state.withLock { $0.leases[lease.id] = nil } }

    /// What the miner does, and why it does no more.
    var work: WorkState {
        let now = state.withLock { $0 }
        return WorkState(
            WorkState.Facts(
                stage: now.stage, mode: views.control.mode, permitted: views.permit.halt, leases: now.leases.count,
                isComputing: now.leases.values.contains { $0.control.stage == .computing }, asking: now.asking, noWork: now.noWork,
                isSetBack: views.setback.until.map { $0 > .now } ?? false, isFull: views.intake.places == 0,
                throttle: views.devices.all.lazy.compactMap(\.throttle).first))
    }

    /// Everything an operator asks first. No secrets.
    func json(outbox: [String: Int]) -> JSON {
        let now = state.withLock { $0 }
        var members: [(String, JSON)] = [
            ("state", .string(now.stage.rawValue)), ("work", work.json(configuration.services)), ("control", views.control.json),
            ("limits", views.limits.now.json),
            ("address", .string(configuration.key.address.text)), ("payout", .string(configuration.payout.text)),
            ("chain_id", .string(configuration.chain.text)), ("coordinator", .string(configuration.coordinator.description)),
            ("node", .string(configuration.node.description)), ("backends", .array(views.devices.all.map(Self.json))),
            ("leases", .array(now.leases.values.sorted { $0.lease.id < $1.lease.id }.map(Self.json))),
            ("outbox", .object(JSONObject(distinct: OutboxEntry.Phase.names.map { ($0, .integer(Int64(outbox[$0] ?? 0))) }))),
        ]
        if let profile = now.profile { members += [("tier", .string(profile.tier.rawValue)), ("profile", profile.profile.json)] }
        if let rate = views.downloads.rate { members.append(("download", rate.json)) }
        if let placement = now.placement { members.append(("placement", placement.json)) }
        if let problem = now.problem { members.append(("problem", .object(JSONObject(distinct: problem.facts.map { ($0.key, $0.value) })))) }
        if let last = views.feed.latest(1).first { members.append(("last_event", last.json)) }
        return .object(JSONObject(distinct: members))
    }

    /// What Prometheus gets to know of each device.
    var deviceFigures: [DeviceFigures] { views.devices.all.map(\.figures) }

    private static func json(_ device: MinerDevice) -> JSON {
        let health = device.health
        var members: [(String, JSON)] = [
            ("name", .string(device.name)), ("device", .string(device.backend.device)), ("usable", .bool(device.mayWork)), ("health", device.healthJSON),
        ]
        members += device.figures.members
        if let throttle = device.throttle { members.append(("throttle", throttle.json)) }
        if !health.mayWork, let detail = health.detail { members.append(("reason", .string(detail))) }
        return .object(JSONObject(distinct: members))
    }

    private static func json(_ held: (lease: Lease, control: WorkControl)) -> JSON {
        .members([
            ("lease", .string(held.lease.id)), ("job_id", .string(held.lease.jobID.text)), ("kernel", .string(held.lease.spec.type)),
            ("stage", .string(held.control.stage.rawValue)), ("progress", .real((held.control.progress * 1_000).rounded() / 1_000)),
            ("times_ms", held.control.timeline.json), ("backend", held.control.backend.map(JSON.string)),
        ])
    }
}

extension OperatorLimits {
    /// Those that are set, by their names.
    var json: JSON { .object(JSONObject(distinct: LimitName.allCases.map { ($0.rawValue, .string(text($0))) })) }
}
