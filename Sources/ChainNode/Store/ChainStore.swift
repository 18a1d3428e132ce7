package import Ledger
package import Signing
package import Wire

/// Where a node keeps its chain: the port between the node and a database.
///
/// A block and everything that follows from it is one durable transaction: after a crash it is there whole or not at
/// all. Every method throws `io_failed` where the database fails. `ChainStoreContract` in the tests is what an
/// implementation has to hold.
package protocol ChainStore: Sendable {
    /// What the store was made for; nil while it is fresh.
    func identity() async throws(Problem) -> StoreIdentity?

    /// Makes a fresh store a chain's: its identity, the genesis block and the records after it, in one transaction.
    ///
    /// - Throws: `bad_block` when the store belongs to a chain already.
    func create(_ identity: StoreIdentity, genesis: Block, records: [RecordChange]) async throws(Problem)

    /// The highest block; nil while the store is fresh.
    func head() async throws(Problem) -> Block?

    /// All records after the head, in any order, for `LedgerState(records:)`.
    func records() async throws(Problem) -> [RecordChange]

    /// Writes a block, its transactions with what became of them, and the changed records, in one transaction.
    ///
    /// - Throws: `wrong_height` unless the block follows the head.
    func append(_ applied: AppliedBlock, transactions: [Transaction]) async throws(Problem)

    func block(height: Int64) async throws(Problem) -> Block?
    func block(hash: Digest) async throws(Problem) -> Block?

    /// A block's transactions in their order; empty where there is no such block.
    func transactions(height: Int64) async throws(Problem) -> [Transaction]

    func transaction(hash: Digest) async throws(Problem) -> StoredTransaction?

    /// What became of those of these transactions that are in blocks, without their bodies.
    func outcomes(of hashes: [Digest]) async throws(Problem) -> [Digest: StoredOutcome]

    /// A coordinator's escrows that still hold money, in the order of job ids, after `job`; an index finds them.
    ///
    /// - Parameters:
    ///   - status: open or closing; nil for both.
    ///   - limit: the most to give.
    func escrows(of coordinator: PublicKey, status: Escrow.Status?, after job: JobID?, limit: Int) async throws(Problem) -> [Escrow]

    /// What waited in the mempool at the last stop, each sender's in the order of nonces. What can't be read is left out.
    func waiting() async throws(Problem) -> [WaitingTransaction]

    /// Replaces what is kept of the mempool, in one transaction.
    func setWaiting(_ waiting: [WaitingTransaction]) async throws(Problem)

    /// The peers that the operator named, in the order in which they came.
    func peers() async throws(Problem) -> [Peer]

    /// Keeps a peer; one with the same URL is replaced.
    func add(_ peer: Peer) async throws(Problem)

    /// The last block that was given to this node's key to sign; nil before the first.
    func signingMark() async throws(Problem) -> SigningMark?

    /// Makes the mark durable. It comes before the signature.
    ///
    /// - Throws: `wrong_height` when the mark's height isn't above the last one's: the key never signs twice at a height.
    func setSigningMark(_ mark: SigningMark) async throws(Problem)
}

/// What a store belongs to, checked at every start.
package struct StoreIdentity: Sendable, Equatable {
    /// The genesis document, in canonical form.
    package let genesis: String
    /// Names this node to its peers: 32 hex digits, drawn once.
    package let nodeID: String

    package init(genesis: String, nodeID: String) {
        self.genesis = genesis
        self.nodeID = nodeID
    }
}

/// Another node of the chain, as the operator named it and as it answered then.
package struct Peer: Sendable, Hashable {
    /// Its peer listener, such as `http://10.0.0.2:7070`.
    package let url: String
    /// 32 hex digits.
    package let id: String

    package init(url: String, id: String) {
        self.url = url
        self.id = id
    }
}

/// What became of a transaction in a block.
package struct StoredOutcome: Sendable, Equatable {
    package let height: Int64
    /// Why it failed; nil when confirmed.
    package let error: String?

    package init(height: Int64, error: String?) { (self.height, self.error) = (height, error) }
}

/// A transaction in a block, and what became of it.
package struct StoredTransaction: Sendable, Equatable {
    package let transaction: Transaction
    package let height: Int64
    /// Why it failed; nil when confirmed.
    package let error: String?

    package init(transaction: Transaction, height: Int64, error: String?) {
        self.transaction = transaction
        self.height = height
        self.error = error
    }
}
