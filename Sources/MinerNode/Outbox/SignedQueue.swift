package import Ledger
package import Wire

/// Signed receipts in memory that no claim is on its way for, oldest first; each once.
package struct SignedQueue {
    private var entries: [OutboxEntry] = []
    private var ids: Set<ReceiptID> = []

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }

    package mutating func add(_ entry: OutboxEntry) {
        if ids.insert(entry.id).inserted { entries.append(entry) }
    }

    /// The first `limit` of those for which nothing speaks against a claim now, and the latest reason of those passed over.
    package func ready(_ limit: Int, holds: ClaimHolds, at now: ContinuousClock.Instant) -> (ready: [OutboxEntry], reason: Problem?) {
        var ready: [OutboxEntry] = []
        var reason: Problem?
        for entry in entries {
            if let problem = holds.reason(entry.id, at: now) {
                reason = problem
            } else if ready.count < limit {
                ready.append(entry)
            }
        }
        return (ready, reason)
    }

    package mutating func remove(_ gone: Set<ReceiptID>) {
        guard !ids.isDisjoint(with: gone) else { return }
        ids.subtract(gone)
        entries.removeAll { gone.contains($0.id) }
    }

    package func contains(_ id: ReceiptID) -> Bool { ids.contains(id) }
}
