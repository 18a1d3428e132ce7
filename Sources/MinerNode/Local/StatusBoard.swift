import ChainClient
import Jobs
import Kernels
import Ledger
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
    }

    private let state = Mutex(State())
    private let configuration: MinerConfiguration
    private let devices: DevicePool

    init(_ configuration: MinerConfiguration, _ devices: DevicePool) {
        self.configuration = configuration
        self.devices = devices
    }

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
    func begin(_ lease: Lease, _ control: WorkControl) { state.withLock { $0.leases[lease.id] = (lease, control) } }
    func end(_ lease: Lease) { state.withLock { $0.leases[lease.id] = nil } }

    /// Everything an operator asks first. No secrets.
    func json(outbox: [String: Int]) -> JSON {
        let now = state.withLock { $0 }
        var members: [(String, JSON)] = [
            ("state", .string(now.stage.rawValue)), ("address", .string(configuration.key.address.text)), ("payout", .string(configuration.payout.text)),
            ("chain_id", .string(configuration.chain.text)), ("coordinator", .string(configuration.coordinator.description)),
            ("node", .string(configuration.node.description)), ("backends", .array(devices.all.map(Self.json))),
            ("leases", .array(now.leases.values.sorted { $0.lease.id < $1.lease.id }.map(Self.json))),
            ("outbox", .object(JSONObject(distinct: OutboxEntry.Phase.names.map { ($0, .integer(Int64(outbox[$0] ?? 0))) }))),
        ]
        if let profile = now.profile { members += [("tier", .string(profile.tier.rawValue)), ("profile", profile.profile.json)] }
        if let problem = now.problem { members.append(("problem", .object(JSONObject(distinct: problem.facts.map { ($0.key, $0.value) })))) }
        return .object(JSONObject(distinct: members))
    }

    private static func json(_ entry: DevicePool.Entry) -> JSON {
        var members: [(String, JSON)] = [
            ("name", .string(entry.backend.name)), ("device", .string(entry.backend.device)), ("usable", .bool(entry.problem == nil)),
        ]
        if let problem = entry.problem { members.append(("reason", .string(problem.detail))) }
        return .object(JSONObject(distinct: members))
    }

    private static func json(_ held: (lease: Lease, control: WorkControl)) -> JSON {
        [
            "lease": .string(held.lease.id), "job_id": .string(held.lease.jobID.text), "kernel": .string(held.lease.spec.type),
            "stage": .string(held.control.stage.rawValue), "progress": .real((held.control.progress * 1_000).rounded() / 1_000),
            "times_ms": held.control.timeline.json,
        ]
    }
}
