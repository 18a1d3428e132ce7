package import Signing
package import Wire

/// Authorities take turns by the clock (PROTOCOL section 6).
///
/// slot = ⌊(timestamp − genesis timestamp) / interval⌋; proposer = authorities[slot mod n]; slots rise strictly; a block's
/// timestamp is at most one interval ahead of a node's clock.
package struct ProofOfAuthority: ConsensusRules {
    package let genesisTimestamp: Int64

    package init(genesisTimestamp: Int64) { self.genesisTimestamp = genesisTimestamp }

    /// Throws `bad_timestamp` for a time before genesis.
    package func slot(at timestamp: Int64, state: LedgerState) throws(Problem) -> Int64 {
        try slot(at: timestamp, parameters: state.parameters)
    }

    private func slot(at timestamp: Int64, parameters: Parameters) throws(Problem) -> Int64 {
        let (elapsed, overflow) = timestamp.subtractingReportingOverflow(genesisTimestamp)
        guard !overflow, elapsed >= 0 else { throw Problem(.badTimestamp, "\(timestamp) is before genesis") }
        return elapsed / parameters[.blockInterval]
    }

    package func proposer(of header: BlockHeader, after parent: Head, state: LedgerState, now: Int64) throws(Problem) -> PublicKey {
        try proposer(at: header.timestamp, after: parent, parameters: state.parameters, now: now)
    }

    /// Whose turn a time is: the parameters after `parent` are all that is needed of its state.
    func proposer(at timestamp: Int64, after parent: Head, parameters: Parameters, now: Int64) throws(Problem) -> PublicKey {
        let (ahead, overflow) = timestamp.subtractingReportingOverflow(now)
        guard !overflow, ahead <= parameters[.blockInterval] else {
            throw Problem(.badTimestamp, "the block's time \(timestamp) is ahead of the clock, \(now)")
        }
        let slot = try slot(at: timestamp, parameters: parameters)
        guard slot > (try self.slot(at: parent.timestamp, parameters: parameters)) else {
            throw Problem(.badTimestamp, "slot \(slot) does not come after the parent's")
        }
        return parameters.authorities[Int(slot % Int64(parameters.authorities.count))]
    }

    package func nextTurn(of key: PublicKey, after parent: Head, state: LedgerState, now: Int64) -> Int64? {
        guard let turn = state.authorities.firstIndex(of: key), let parentSlot = try? slot(at: parent.timestamp, state: state) else { return nil }
        let current = (try? slot(at: now, state: state)) ?? 0
        let earliest = max(current, parentSlot + 1)
        let count = Int64(state.authorities.count)
        let next = earliest + (Int64(turn) - earliest % count + count) % count
        let (offset, tooFar) = next.multipliedReportingOverflow(by: state.parameters[.blockInterval])
        let (start, overflow) = genesisTimestamp.addingReportingOverflow(offset)
        guard !tooFar, !overflow else { return nil }
        return max(start, now)
    }

    /// The highest chain, then the lower slot of the head, then the lower hash.
    package func prefers(_ candidate: (head: Head, state: LedgerState), over current: (head: Head, state: LedgerState)) -> Bool {
        guard candidate.head.height == current.head.height else { return candidate.head.height > current.head.height }
        let left = (try? slot(at: candidate.head.timestamp, state: candidate.state)) ?? Int64.max
        let right = (try? slot(at: current.head.timestamp, state: current.state)) ?? Int64.max
        guard left == right else { return left < right }
        return candidate.head.hash < current.head.hash
    }
}
