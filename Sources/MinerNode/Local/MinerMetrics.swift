import HTTPServing
import Metrics
import Operations
import Wire

/// What Prometheus gets to know. No job, address or receipt is a label.
struct MinerMetrics: Sendable {
    private let registry: PrometheusRegistry

    init(_ registry: PrometheusRegistry) {
        self.registry = registry
        registry.describe("adit_miner_jobs_total", "Leases by how they ended here.")
        registry.describe("adit_miner_compute_seconds", "Time of computations.")
        registry.describe("adit_miner_outbox", "Receipts by where they are on their way to a payment.")
        registry.describe("adit_miner_leases", "Leases held now.")
        registry.describe("adit_miner_claims_in_flight", "Claims sent, or about to be, that no block holds yet.")
        registry.describe("adit_miner_paid_total", "Receipts whose claim is in a block.")
        registry.describe("adit_miner_paid_units_total", "Compute units of those receipts.")
        registry.describe("adit_miner_device_usable", "1 for a device that works, 0 for one in quarantine.")
        registry.describe("adit_miner_device_duty", "Share of the time that a device may work, 0 to 1.")
        registry.describe("adit_miner_device_temperature_celsius", "A device's temperature, where it can be read.")
        registry.describe("adit_miner_device_watts", "A device's power, where it can be read.")
        registry.describe("adit_miner_device_utilisation", "Share of the time that a device worked, 0 to 1.")
        registry.describe("adit_miner_device_joules", "Energy that a device took since the start, where its power can be read.")
        registry.describe("adit_miner_device_units", "Compute units that a device did since the start.")
        registry.describe("adit_miner_device_jobs", "Jobs that a device computed since the start.")
        registry.describe("adit_miner_device_failures", "Failures of a device that are not forgotten.")
        registry.describe("adit_miner_steps_seconds", "Time from a lease to each later step, by step.")
    }

    func computed(_ took: Duration) {
        Counter(label: "adit_miner_jobs_total", dimensions: [("outcome", "computed")], factory: registry).increment()
        Metrics.Timer(label: "adit_miner_compute", factory: registry).recordNanoseconds(took.nanoseconds)
    }

    func failed() { Counter(label: "adit_miner_jobs_total", dimensions: [("outcome", "failed")], factory: registry).increment() }

    /// How long a step took since the lease.
    func step(_ step: Timeline.Step, milliseconds: Int64) {
        Metrics.Timer(label: "adit_miner_steps", dimensions: [("step", step.rawValue)], factory: registry).recordMilliseconds(milliseconds)
    }

    func paid(units: Int64) {
        Counter(label: "adit_miner_paid_total", factory: registry).increment()
        Counter(label: "adit_miner_paid_units_total", factory: registry).increment(by: units)
    }

    func claims(inFlight count: Int) { Gauge(label: "adit_miner_claims_in_flight", factory: registry).record(count) }

    func leases(_ count: Int) { Gauge(label: "adit_miner_leases", factory: registry).record(count) }

    /// Gauges of what can be read; the label is the device's name in the miner, of which there are as many as devices.
    func devices(_ figures: [DeviceFigures]) {
        for one in figures {
            func record(_ name: String, _ value: Double?) {
                if let value, value.isFinite { Gauge(label: "adit_miner_device_\(name)", dimensions: [("device", one.name)], factory: registry).record(value) }
            }
            record("usable", one.isUsable ? 1 : 0)
            record("duty", one.duty)
            record("temperature_celsius", one.reading.temperature)
            record("watts", one.reading.power)
            record("utilisation", one.reading.utilisation)
            record("joules", one.joules)
            record("units", Double(one.units))
            record("jobs", Double(one.jobs))
            record("failures", Double(one.failures))
        }
    }

    func outbox(_ counts: [String: Int]) {
        for phase in OutboxEntry.Phase.names {
            Gauge(label: "adit_miner_outbox", dimensions: [("phase", phase)], factory: registry).record(counts[phase] ?? 0)
        }
    }
}
