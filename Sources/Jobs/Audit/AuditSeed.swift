package import Ledger
package import Wire

/// The seed of a repeatable audit: whoever repeats it with the same chain draws the same probes (PROTOCOL section 9, "Audit").
///
/// Nobody knew it when the output was committed to: it follows from the eight blocks after the one that holds the claim. Who doubts that
/// those were not made to fit draws a secret seed instead.
package enum AuditSeed {
    /// Blocks after the claim's that the seed is made of.
    package static let blockCount = 8

    /// SHA-256(`adit.audit.v1|chain_id|receipt_id|h1|…|h8`).
    ///
    /// - Parameter blocks: the hashes of the blocks at the claim's height + 1 … + 8, in order.
    /// - Throws: `out_of_range` unless there are eight.
    package static func digest(chain: ChainID, receipt: ReceiptID, blocks: [Digest]) throws(Problem) -> Digest {
        guard blocks.count == blockCount else { throw Problem(.outOfRange, "an audit's seed is made of \(blockCount) blocks, not \(blocks.count)") }
        return Preimage("adit.audit.v1", chain, [receipt.text] + blocks.map(\.hex)).digest
    }
}
