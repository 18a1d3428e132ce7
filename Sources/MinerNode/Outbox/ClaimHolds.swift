package import Ledger
package import Wire

/// Claims that wait before they are tried again, each with pauses of its own that grow until it is settled.
package struct ClaimHolds {
    private struct Hold {
        var pauses: Pauses
        var until: ContinuousClock.Instant
        var reason: Problem
    }

    private let pauses: Pauses
    private var holds: [ReceiptID: Hold] = [:]

    package init(_ pauses: Pauses) { self.pauses = pauses }

    /// How many claims wait, or have waited.
    package var count: Int { holds.count }

    /// Why a claim waits still; nil if it needn't.
    package func reason(_ id: ReceiptID, at now: ContinuousClock.Instant) -> Problem? {
        guard let hold = holds[id], now < hold.until else { return nil }
        return hold.reason
    }

    /// Lets a claim wait, longer than the last time.
    package mutating func put(_ id: ReceiptID, _ reason: Problem, at now: ContinuousClock.Instant) {
        var pauses = holds[id]?.pauses ?? pauses
        let until = now + pauses.next()
        holds[id] = Hold(pauses: pauses, until: until, reason: reason)
    }

    /// Forgets those that are settled or refused.
    ///
    /// - Parameter isOpen: whether a receipt is neither.
    package mutating func keepOnly(_ isOpen: (ReceiptID) -> Bool) {
        guard !holds.isEmpty else { return }
        holds = holds.filter { isOpen($0.key) }
    }
}
