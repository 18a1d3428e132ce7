import Wire

/// A pending transaction and when it came, as a node keeps it over a restart.
package struct WaitingTransaction: Sendable, Hashable {
    package let transaction: Transaction
    /// Unix seconds.
    package let entered: Int64

    package init(transaction: Transaction, entered: Int64) {
        self.transaction = transaction
        self.entered = entered
    }
}

// Over a restart.
extension Mempool {
    /// All that is pending: each sender's in the order of nonces, the sender that waits longest first.
    package var waiting: [WaitingTransaction] {
        queues.values.sorted { ($0.first?.order ?? 0) < ($1.first?.order ?? 0) }
            .flatMap { $0.map { WaitingTransaction(transaction: $0.transaction, entered: $0.entered) } }
    }

    /// Takes back what waited before a restart; every rule of the door is asked again, and time that has passed counts.
    ///
    /// - Returns: how many were taken; the others were used meanwhile, are too old, or may not wait any more.
    package mutating func restore(_ waiting: some Sequence<WaitingTransaction>, state: LedgerState, height: Int64, now: Int64) -> Int {
        var taken = 0
        for entry in waiting {
            let known = WaitingTransaction(transaction: entry.transaction, entered: min(entry.entered, now))
            let (age, overflow) = now.subtractingReportingOverflow(known.entered)
            guard !overflow, age < limits.age, (try? admit(known, state: state, height: height)) != nil else { continue }
            taken += 1
        }
        return taken
    }
}
