package import Signing
package import Wire

/// What became of one transaction of a block.
package struct TxOutcome: Hashable, Sendable {
    package enum Status: String, Hashable, Sendable { case confirmed, failed }

    package let hash: Digest
    package let status: Status
    /// Why it failed; nil when confirmed.
    package let code: Problem.Code?
    /// For people; not part of any consensus.
    package let detail: String
    /// What was paid to the proposer at once, in base units; 0 for a refund, whose fee waits with the money.
    package let fee: Int64

    init(hash: Digest, fee: Int64, failure: Problem? = nil) {
        self.hash = hash
        status = failure == nil ? .confirmed : .failed
        code = failure?.code
        detail = failure?.detail ?? ""
        self.fee = fee
    }
}

/// A block's effect: the new state, and what a store has to write.
package struct AppliedBlock: Sendable {
    package let block: Block
    package let state: LedgerState
    /// One for each transaction, in order.
    package let outcomes: [TxOutcome]
    /// The records that differ from the parent's state.
    package let changes: [RecordChange]

    package var head: Head { block.head }
}

/// A block that could be made now, before its signature.
package struct ProposedBlock: Sendable {
    package let header: BlockHeader
    package let transactions: [Transaction]
    package let hashes: [Digest]
    package let outcomes: [TxOutcome]
    package let state: LedgerState
    package let changes: [RecordChange]
    /// The transactions left out, and why each may not be in this block.
    package let skipped: [(hash: Digest, reason: Problem)]

    /// The signed block and its effect. The caller has written the height that it signs to disk before.
    package func sealed(_ block: Block) throws(Problem) -> AppliedBlock {
        guard block.header == header, block.transactions == hashes else {
            throw Problem(.badBlock, "the signed block is not the proposed one")
        }
        return AppliedBlock(block: block, state: state, outcomes: outcomes, changes: changes)
    }
}

/// Signatures that were checked before, so that none is checked twice.
///
/// A transaction's hash covers its sender, hence the key, but not its signature: so that one is remembered with it. The
/// signatures inside a claim or a quote are part of the payload, which the hash covers.
package struct VerifiedSignatures: Sendable {
    package static let none = VerifiedSignatures()

    private var outer: [Digest: Signature] = [:]
    private var inner: Set<Digest> = []

    package init() {}

    package mutating func insert(_ hash: Digest, _ signature: Signature, inner holdsInside: Bool) {
        outer[hash] = signature
        if holdsInside { inner.insert(hash) }
    }

    package mutating func remove(_ hash: Digest) {
        outer[hash] = nil
        inner.remove(hash)
    }

    func covers(_ hash: Digest, _ signature: Signature) -> Bool { outer[hash] == signature }
    func coversInside(_ hash: Digest) -> Bool { inner.contains(hash) }
}
