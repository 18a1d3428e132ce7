package import Signing
package import Wire

/// Applies and proposes blocks: the one function that node, light client, tests and simulation all use.
package struct BlockExecutor: Sendable {
    package let chain: ChainID
    package let consensus: any ConsensusRules

    package init(chain: ChainID, consensus: any ConsensusRules) {
        self.chain = chain
        self.consensus = consensus
    }

    /// The executor of a chain under proof of authority.
    package init(genesis: Genesis) {
        self.init(chain: genesis.chain, consensus: ProofOfAuthority(genesisTimestamp: genesis.timestamp))
    }

    /// Executes a block on its parent's state.
    ///
    /// - Parameters:
    ///   - transactions: the bodies, in the block's order.
    ///   - state: the state after `parent`.
    ///   - now: the node's clock in Unix seconds.
    ///   - verified: signatures that were checked before.
    /// - Throws: why the block is invalid as a whole.
    package func apply(
        block: Block, transactions: [Transaction], to state: LedgerState, parent: Head, now: Int64,
        verified: VerifiedSignatures = .none
    ) throws(Problem) -> AppliedBlock {
        try checkHeader(block, state: state, parent: parent, now: now)
        let hashes = transactions.map { $0.hash(on: chain) }
        guard hashes == block.transactions else { throw Problem(.wrongTxRoot, "the bodies are not those of the block's hashes") }
        guard BlockHeader.txRoot(hashes) == block.header.txRoot else { throw Problem(.wrongTxRoot, "txRoot is not that of the transactions") }
        guard let proposer = block.header.proposer else { throw Problem(.wrongProposer, "only genesis has no proposer") }
        var run = BlockRun(chain: chain, height: block.header.height, proposer: proposer, state: state, verified: verified)
        try run.payDueRefunds()
        var outcomes: [TxOutcome] = []
        outcomes.reserveCapacity(transactions.count)
        for (transaction, hash) in zip(transactions, hashes) { outcomes.append(try run.execute(transaction, hash: hash)) }
        let (next, changes) = try run.finish()
        guard next.root == block.header.stateRoot else {
            throw Problem(.wrongStateRoot, "the state root after block \(block.header.height) is \(next.root), not \(block.header.stateRoot)")
        }
        return AppliedBlock(block: block, state: next, outcomes: outcomes, changes: changes)
    }

    /// Whether a claim would settle in the block after `head`, by the rules that a block uses; nothing is changed.
    ///
    /// - Parameter fee: what it would have to cover.
    /// - Throws: the code with which it would fail, or `mint_limited` where it would have to wait.
    package func assess(_ claim: ReceiptClaim, fee: Int64, on state: LedgerState, after head: Head) throws(Problem) {
        let height = try Amount.add(head.height, 1)
        var run = BlockRun(chain: chain, height: height, proposer: .treasury, state: state, verified: .none)
        try run.settle(claim, sender: claim.terms.miner, fee: fee, hash: .zero)
    }

    private func checkHeader(_ block: Block, state: LedgerState, parent: Head, now: Int64) throws(Problem) {
        let header = block.header
        guard block.hash == header.hash(on: chain) else { throw Problem(.badBlock, "the block's hash is not its header's") }
        guard header.height == (try Amount.add(parent.height, 1)) else {
            throw Problem(.wrongHeight, "height \(header.height) does not follow \(parent.height)")
        }
        guard header.parent == parent.hash else { throw Problem(.wrongParent, "the block's parent is not \(parent.hash)") }
        guard block.transactions.count <= Block.maxTransactions else {
            throw Problem(.badBlock, "a block holds at most \(Block.maxTransactions) transactions")
        }
        let key = try consensus.proposer(of: header, after: parent, state: state, now: now)
        guard key.address == header.proposer else { throw Problem(.wrongProposer, "it is not \(header.proposer?.text ?? "")'s turn") }
        guard let signature = block.signature, key.verifies(signature, of: block.hash) else {
            throw Problem(.badSignature, "the proposer's signature does not hold")
        }
    }

    /// Makes the next block out of those candidates that may be in it, in their order.
    ///
    /// - Parameters:
    ///   - timestamp: in Unix seconds, in a slot of the proposer's (`ConsensusRules.nextTurn`).
    ///   - now: the proposer's clock.
    ///   - limit: the most transactions to take.
    /// - Returns: the header for the proposer to sign; `apply` of the signed block succeeds.
    package func propose(
        transactions candidates: [Transaction], on state: LedgerState, parent: Head, proposer: PublicKey, timestamp: Int64, now: Int64,
        verified: VerifiedSignatures = .none, limit: Int = Block.maxTransactions
    ) throws(Problem) -> ProposedBlock {
        let height = try Amount.add(parent.height, 1)
        let draft = BlockHeader(
            parent: parent.hash, height: height, timestamp: timestamp, proposer: proposer.address, txRoot: .zero, stateRoot: .zero)
        guard try consensus.proposer(of: draft, after: parent, state: state, now: now) == proposer else {
            throw Problem(.wrongProposer, "it is not \(proposer.address)'s turn")
        }
        var run = BlockRun(chain: chain, height: height, proposer: proposer.address, state: state, verified: verified)
        try run.payDueRefunds()
        var taken: [Transaction] = []
        var outcomes: [TxOutcome] = []
        var skipped: [(hash: Digest, reason: Problem)] = []
        for transaction in candidates where taken.count < min(limit, Block.maxTransactions) {
            let hash = transaction.hash(on: chain)
            do {
                outcomes.append(try run.execute(transaction, hash: hash))
                taken.append(transaction)
            } catch {
                skipped.append((hash, error))
            }
        }
        let (next, changes) = try run.finish()
        let hashes = outcomes.map(\.hash)
        let header = BlockHeader(
            parent: parent.hash, height: height, timestamp: timestamp, proposer: proposer.address, txRoot: BlockHeader.txRoot(hashes),
            stateRoot: next.root)
        return ProposedBlock(
            header: header, transactions: taken, hashes: hashes, outcomes: outcomes, state: next, changes: changes, skipped: skipped)
    }
}
