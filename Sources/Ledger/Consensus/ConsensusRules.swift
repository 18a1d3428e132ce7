package import Signing
package import Wire

/// Who may make which block, and which of two chains wins: the port behind which kinds of consensus lie (PROTOCOL section 6).
///
/// All are pure functions of the chain and a clock that is passed in.
package protocol ConsensusRules: Sendable {
    /// The key that must have signed a block with this header.
    ///
    /// - Parameters:
    ///   - state: the state after `parent`.
    ///   - now: the node's clock in Unix seconds.
    /// - Throws: `bad_timestamp` when no block may have this time.
    func proposer(of header: BlockHeader, after parent: Head, state: LedgerState, now: Int64) throws(Problem) -> PublicKey

    /// The earliest time, from `now` on, at which `key` may make the block after `parent`; nil if never.
    func nextTurn(of key: PublicKey, after parent: Head, state: LedgerState, now: Int64) -> Int64?

    /// Whether the first chain wins over the second; each is a head with the state after it.
    func prefers(_ candidate: (head: Head, state: LedgerState), over current: (head: Head, state: LedgerState)) -> Bool
}
