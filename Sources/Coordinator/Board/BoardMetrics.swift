import HTTPServing
import Jobs
import Metrics

/// The board's counters and gauges. Labels are tiers, phases and reasons: never an address or a job.
struct BoardMetrics: Sendable {
    let registry: PrometheusRegistry

    init(_ registry: PrometheusRegistry) {
        self.registry = registry
        registry.describe("adit_tasks_quoted_total", "Quotes made.")
        registry.describe("adit_leases_total", "Leases given.")
        registry.describe("adit_leases_ended_total", "Leases that ended without an accepted output, by reason.")
        registry.describe("adit_checks_total", "Checks of committed outputs, by verdict.")
        registry.describe("adit_check_duration_seconds", "Time of a check.")
        registry.describe("adit_jobs", "Jobs by phase.")
        registry.describe("adit_workers", "Workers heard of lately, by the tier that they have earned.")
        registry.describe("adit_workers_claimed", "Workers heard of lately, by the tier that they claim.")
        registry.describe("adit_challenges_total", "Capability challenges, by how they ended.")
        registry.describe("adit_waiting_workers", "Open calls for leases.")
        registry.describe("adit_outgoing_open", "Transactions that the coordinator owes the chain, by kind and stage.")
        registry.describe("adit_chain_height", "The chain's head as last seen.")
    }

    func quoted() { Counter(label: "adit_tasks_quoted_total", factory: registry).increment() }
    func leased() { Counter(label: "adit_leases_total", factory: registry).increment() }

    func ended(_ reason: Reason) {
        Counter(label: "adit_leases_ended_total", dimensions: [("reason", reason.rawValue)], factory: registry).increment()
    }

    func checked(accepted: Bool, microseconds: Int64) {
        Counter(label: "adit_checks_total", dimensions: [("verdict", accepted ? "accepted" : "refused")], factory: registry).increment()
        Metrics.Timer(label: "adit_check_duration", factory: registry).recordMicroseconds(microseconds)
    }

    func challenged(_ verdict: WorkerView.Verdict) {
        Counter(label: "adit_challenges_total", dimensions: [("verdict", verdict.rawValue)], factory: registry).increment()
    }

    func outgoing(_ open: [Outgoing]) {
        for kind in Outgoing.Kind.allCases {
            for stage in [Outgoing.Stage.due, .sent, .closing] {
                let count = open.count { $0.kind == kind && $0.stage == stage }
                Meter(label: "adit_outgoing_open", dimensions: [("kind", kind.rawValue), ("stage", stage.rawValue)], factory: registry).set(count)
            }
        }
    }

    func waiting(_ count: Int) { Meter(label: "adit_waiting_workers", factory: registry).set(count) }
    func height(_ height: Int64) { Meter(label: "adit_chain_height", factory: registry).set(height) }

    /// The counts of a network state.
    func show(_ state: NetworkState) {
        for phase in JobPhase.names { Meter(label: "adit_jobs", dimensions: [("phase", phase)], factory: registry).set(state.jobs[phase] ?? 0) }
        for (tier, count) in state.workers {
            Meter(label: "adit_workers", dimensions: [("tier", tier.rawValue)], factory: registry).set(count)
        }
        for (tier, count) in state.claimed ?? [:] {
            Meter(label: "adit_workers_claimed", dimensions: [("tier", tier.rawValue)], factory: registry).set(count)
        }
    }
}
