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
    /// By type and status; both come from closed lists.
    private let transactions: [String: (confirmed: Counter, failed: Counter)]

    init(registry: PrometheusRegistry) {
        registry.describe("adit_chain_height", "Height of the head.")
        registry.describe("adit_mempool_transactions", "Transactions that wait for a block.")
        registry.describe("adit_peers", "Peers that the operator named.")
        registry.describe("adit_block_seconds", "Time to make, sign and store a block.")
        registry.describe("adit_transactions_total", "Transactions in blocks, by type and what became of them.")
        height = Meter(label: "adit_chain_height", factory: registry)
        pending = Meter(label: "adit_mempool_transactions", factory: registry)
        peers = Meter(label: "adit_peers", factory: registry)
        blockTime = CoreMetrics.Timer(label: "adit_block_seconds", factory: registry)
        func counter(_ type: String, _ status: String) -> Counter {
            Counter(label: "adit_transactions_total", dimensions: [("type", type), ("status", status)], factory: registry)
        }
        transactions = Dictionary(uniqueKeysWithValues: Payload.types.map { ($0, (counter($0, "confirmed"), counter($0, "failed"))) })
        peers.set(0)
    }

    func peers(_ count: Int) { peers.set(count) }

    func opened(at head: Int64) { height.set(head) }

    func mempool(_ count: Int) { pending.set(count) }

    func block(_ applied: AppliedBlock, _ bodies: [Transaction], pending count: Int, elapsed: Duration) {
        height.set(applied.block.header.height)
        pending.set(count)
        blockTime.recordNanoseconds(elapsed.nanoseconds)
        for (transaction, outcome) in zip(bodies, applied.outcomes) {
            guard let counters = transactions[transaction.payload.type] else { continue }
            (outcome.status == .confirmed ? counters.confirmed : counters.failed).increment()
        }
    }
}
