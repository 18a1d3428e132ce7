package import Ledger
import Synchronization

/// Signed receipts on their way from the courier to the claims, so that they need not be read back from the disk.
///
/// Bounded: what comes while it is full is on the disk alone, and is looked for there.
package final class ClaimInbox: Sendable {
    private struct State {
        var entries: [OutboxEntry] = []
        /// Those that are being written, and then come here.
        var expected: Set<ReceiptID> = []
        var hasMissed = true
    }

    private let most: Int
    private let state = Mutex(State())
    let bell = Doorbell()

    /// - Parameter most: entries at one time. At first there may be some on the disk.
    package init(most: Int) { self.most = most }

    /// A receipt is about to be written to the disk as signed; `put` or `giveUp` follows.
    package func expect(_ id: ReceiptID) { state.withLock { _ = $0.expected.insert(id) } }

    /// It was not written: this run is about to end.
    package func giveUp(_ id: ReceiptID) { state.withLock { _ = $0.expected.remove(id) } }

    /// Takes an entry in that was expected, and is on the disk by now.
    package func put(_ entry: OutboxEntry) {
        state.withLock { state in
            state.expected.remove(entry.id)
            if state.entries.count < most { state.entries.append(entry) } else { state.hasMissed = true }
        }
        bell.ring()
    }

    /// Takes out what is here, oldest first.
    package func take() -> [OutboxEntry] {
        state.withLock { state in
            defer { state.entries = [] }
            return state.entries
        }
    }

    /// Whether there may be entries on the disk that never were here. Asked once for each time: the asker looks for them.
    package func takeMissed() -> Bool {
        state.withLock { state in
            defer { state.hasMissed = false }
            return state.hasMissed
        }
    }

    /// The disk could not be read, or has still more.
    package func miss() { state.withLock { $0.hasMissed = true } }

    /// Those of entries that were just read from the disk which don't come by themselves: nobody may claim a receipt twice.
    package func missing(of found: [OutboxEntry]) -> [OutboxEntry] {
        state.withLock { state in
            let coming = state.expected.union(state.entries.map(\.id))
            return found.filter { !coming.contains($0.id) }
        }
    }
}
