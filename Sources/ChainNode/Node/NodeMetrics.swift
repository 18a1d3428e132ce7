import CoreMetrics
import HTTPServing
import Ledger
import Wire

/// What a node counts. No address, job or hash is ever a label.
struct NodeMetrics: Sendable {
    private let height: Meter
    private let pending: Meter
    private let peers: Meter
    private let blockTime: CoreMetrics.Timer
    private let confirmed: Counter
    private let failed: Counter

    init(registry: PrometheusRegistry) {
        registry.describe("adit_chain_height", "Height of the head.")
        registry.describe("adit_mempool_transactions", "Transactions that wait for a block.")
        registry.describe("adit_peers", "Connected peers.")
        registry.describe("adit_block_seconds", "Time to make, sign and store a block.")
        registry.describe("adit_transactions_total", "Transactions in blocks, by what became of them.")
        height = Meter(label: "adit_chain_height", factory: registry)
        pending = Meter(label: "adit_mempool_transactions", factory: registry)
        peers = Meter(label: "adit_peers", factory: registry)
        blockTime = CoreMetrics.Timer(label: "adit_block_seconds", factory: registry)
        confirmed = Counter(label: "adit_transactions_total", dimensions: [("status", "confirmed")], factory: registry)
        failed = Counter(label: "adit_transactions_total", dimensions: [("status", "failed")], factory: registry)
        peers.set(0)
    }

    func opened(at head: Int64) { height.set(head) }

    func mempool(_ count: Int) { pending.set(count) }

    func block(_ applied: AppliedBlock, pending count: Int, elapsed: Duration) {
        height.set(applied.block.header.height)
        pending.set(count)
        blockTime.recordNanoseconds(elapsed.nanoseconds)
        let failures = applied.outcomes.count { $0.status == .failed }
        confirmed.increment(by: applied.outcomes.count - failures)
        failed.increment(by: failures)
    }
}
