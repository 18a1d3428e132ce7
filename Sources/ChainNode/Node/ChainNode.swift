import HTTPServing
package import Ledger
package import Signing
package import Wire

/// One node of a chain: the state after its head and the transactions that wait, in front of a durable store.
///
/// The rules are `Ledger`'s; this actor only keeps their values in step with the store. What is in memory changes after
/// the store has a block, never before, so a crash or a full disk leaves both at the same block.
package actor ChainNode {
    package nonisolated let genesis: Genesis
    /// 32 hex digits, drawn when the store was made.
    package nonisolated let nodeID: String
    package nonisolated let genesisHash: Digest
    nonisolated let store: any ChainStore
    nonisolated let clock: any ChainClock
    nonisolated let executor: BlockExecutor
    /// Blocks are executed, and written, on the node's own thread.
    private nonisolated let queue = ServiceQueue("adit.node")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe queue.asUnownedSerialExecutor() }
    nonisolated let metrics: NodeMetrics

    private(set) var head: Block
    private(set) var state: LedgerState
    private(set) var mempool: Mempool
    /// What waited before the last stop and has not been looked at yet.
    private var unrestored: ArraySlice<WaitingTransaction> = []
    private var nextExpiry: Int64 = 0
    private(set) var peers: [Peer]
    private let softCheck: SoftCheck?
    private var mark: SigningMark?
    /// False after the store failed, until the mark was read again: a failed write may have reached the disk.
    private var markIsKnown = true

    init(
        genesis: Genesis, opened: OpenedChain, store: any ChainStore, clock: any ChainClock, mempool: MempoolLimits, metrics: NodeMetrics,
        softCheck: SoftCheck?
    ) {
        self.genesis = genesis
        self.store = store
        self.clock = clock
        self.metrics = metrics
        nodeID = opened.nodeID
        genesisHash = opened.genesisHash
        head = opened.head
        state = opened.state
        mark = opened.mark
        peers = opened.peers
        unrestored = opened.waiting[...]
        self.softCheck = softCheck
        metrics.peers(opened.peers.count)
        executor = BlockExecutor(genesis: genesis)
        self.mempool = Mempool(chain: genesis.chain, limits: mempool)
    }

    package nonisolated var chain: ChainID { genesis.chain }
    package var pendingCount: Int { mempool.count }

    /// The head with the state after it.
    package func snapshot() -> (head: Block, state: LedgerState) { (head, state) }

    /// Takes a transaction into the mempool; the same one is welcome again.
    ///
    /// - Returns: its hash.
    /// - Throws: the ledger's code for what is wrong with it.
    package func submit(_ transaction: Transaction) throws(Problem) -> Digest {
        expire()
        let hash = try mempool.admit(transaction, state: state, height: head.header.height, now: clock.now())
        metrics.mempool(mempool.count)
        return hash
    }

    /// The same for a transaction from outside: a claim's coordinator is asked first, where that is configured.
    package func take(_ transaction: Transaction) async throws(Problem) -> Digest {
        if let objection = await objection(to: transaction) { throw objection }
        return try submit(transaction)
    }

    /// Takes several transactions from outside in their order, each for itself.
    package func take(_ transactions: [Transaction]) async -> [Result<Digest, Problem>] {
        guard softCheck != nil else { return submit(transactions) }
        var objections: [Int: Problem] = [:]
        await withTaskGroup(of: (Int, Problem?).self) { group in
            for (index, transaction) in transactions.enumerated() { group.addTask { (index, await self.objection(to: transaction)) } }
            for await (index, objection) in group { objections[index] = objection }
        }
        return transactions.enumerated().map { index, transaction in
            if let objection = objections[index] { return .failure(objection) }
            do throws(Problem) { return .success(try submit(transaction)) } catch { return .failure(error) }
        }
    }

    /// A coordinator is only asked about claims that the chain's own rules would settle now and that don't wait already.
    private func objection(to transaction: Transaction) async -> Problem? {
        guard let softCheck, case .receiptClaim(let claim) = transaction.payload, softCheck.knows(claim.coordinatorKey),
            mempool.pending(transaction.hash(on: chain)) == nil
        else { return nil }
        guard (try? executor.assess(claim, fee: transaction.fee, on: state, after: head.head)) != nil else { return nil }
        return await softCheck.objection(to: claim)
    }

    /// Takes several transactions in their order, each for itself.
    package func submit(_ transactions: [Transaction]) -> [Result<Digest, Problem>] {
        transactions.map { transaction in
            do throws(Problem) { return .success(try submit(transaction)) } catch { return .failure(error) }
        }
    }

    /// Makes, signs and submits a transaction with the next nonce of `key` and the least fee.
    package func submit(_ payload: Payload, by key: PrivateKey) throws(Problem) -> Digest {
        let nonce = mempool.nextNonce(of: key.address, state: state)
        return try submit(.signed(by: key, chain: chain, nonce: nonce, fee: state.parameters.minimumFee(for: payload), payload: payload))
    }

    /// An account after the head, and the nonce that its next transaction takes, with those that wait.
    package func account(_ address: Address) -> (account: Account, nextNonce: Int64) {
        expire()
        return (state.account(address), mempool.nextNonce(of: address, state: state))
    }

    /// A transaction that waits for a block.
    package func pending(_ hash: Digest) -> Transaction? {
        expire()
        return mempool.pending(hash)
    }
}

// Between blocks.
extension ChainNode {
    /// Forgets what has waited too long, also where no blocks come: whoever asks or sends drives it, by the node's clock. It looks
    /// through the pool at most twenty times in the longest time that anything may wait.
    private func expire() {
        let now = clock.now()
        guard now >= nextExpiry || now < nextExpiry - mempool.limits.age else { return }
        nextExpiry = now + max(1, mempool.limits.age / 20)
        mempool.expire(now: now)
        metrics.mempool(mempool.count)
    }

    /// Looks at some more of what waited before the last stop.
    ///
    /// - Returns: how many were looked at and how many taken; nil when there are no more.
    package func restoreSome(_ count: Int = 64) -> (seen: Int, taken: Int)? {
        let some = unrestored.prefix(count)
        guard !some.isEmpty else { return nil }
        unrestored = unrestored.dropFirst(count)
        let taken = mempool.restore(some, state: state, height: head.header.height, now: clock.now())
        metrics.mempool(mempool.count)
        return (some.count, taken)
    }

    /// Writes the mempool to the store, for the next start.
    ///
    /// - Returns: how many transactions wait.
    package func saveMempool() async throws(Problem) -> Int {
        let waiting = mempool.waiting + unrestored
        try await store.setWaiting(waiting)
        return waiting.count
    }

    /// Keeps a peer that was found to be of this chain.
    func add(_ peer: Peer) async throws(Problem) {
        guard peers.count < Self.maxPeers || peers.contains(where: { $0.url == peer.url }) else {
            throw Problem(.quotaExceeded, "a node keeps at most \(Self.maxPeers) peers")
        }
        try await store.add(peer)
        peers = try await store.peers()
        metrics.peers(peers.count)
    }

    private static var maxPeers: Int { 256 }
}

// Making blocks. One task at a time calls these: the proposer's loop.
extension ChainNode {
    /// When `key` may make the next block, in Unix seconds; nil while it has no turn.
    package func nextTurn(of key: PublicKey) -> Int64? {
        executor.consensus.nextTurn(of: key, after: head.head, state: state, now: clock.now())
    }

    /// Makes the next block, empty or not, if it is the key's turn.
    ///
    /// The block is on disk as the key's last signing mark before its signature is made. Where the mark is already at the
    /// next height (the node stopped, or the disk failed, between mark and block), that same block is signed again.
    /// - Throws: `bad_timestamp`, `wrong_proposer` out of turn; `io_failed` when the store fails, with nothing changed.
    @discardableResult
    package func produce(with key: PrivateKey) async throws(Problem) -> Block {
        let start = ContinuousClock.now
        let next = try Amount.add(head.header.height, 1)
        if !markIsKnown {
            mark = try await store.signingMark()
            markIsKnown = true
        }
        let applied: AppliedBlock
        let bodies: [Transaction]
        if let mark, mark.height >= next {
            guard mark.height == next else {
                throw Problem(.wrongHeight, "this key signed at height \(mark.height); the chain is at \(head.header.height)")
            }
            (applied, bodies) = (try resume(mark, with: key), mark.transactions)
        } else {
            let proposed = try propose(key.publicKey)
            let mark = SigningMark(header: proposed.header, transactions: proposed.transactions)
            markIsKnown = false
            try await store.setSigningMark(mark)
            (self.mark, markIsKnown) = (mark, true)
            let block = Block.signed(proposed.header, transactions: proposed.hashes, by: key, chain: chain)
            (applied, bodies) = (try proposed.sealed(block), proposed.transactions)
            mempool.discard(proposed.skipped)
        }
        try await append(applied, bodies)
        commit(applied)
        metrics.block(applied, bodies, pending: mempool.count, elapsed: ContinuousClock.now - start)
        return applied.block
    }

    /// A commit that failed may have reached the disk all the same, so the store is asked.
    private func append(_ applied: AppliedBlock, _ bodies: [Transaction]) async throws(Problem) {
        do {
            try await store.append(applied, transactions: bodies)
        } catch {
            guard try await store.head()?.hash == applied.block.hash else { throw error }
        }
    }

    private func propose(_ key: PublicKey) throws(Problem) -> ProposedBlock {
        let now = clock.now()
        return try executor.propose(
            transactions: mempool.selection(state: state), on: state, parent: head.head, proposer: key, timestamp: now, now: now,
            verified: mempool.verified)
    }

    /// Signs the marked block again and executes it as any other.
    private func resume(_ mark: SigningMark, with key: PrivateKey) throws(Problem) -> AppliedBlock {
        let hashes = mark.transactions.map { $0.hash(on: chain) }
        let block = Block.signed(mark.header, transactions: hashes, by: key, chain: chain)
        return try executor.apply(block: block, transactions: mark.transactions, to: state, parent: head.head, now: clock.now())
    }

    private func commit(_ applied: AppliedBlock) {
        head = applied.block
        state = applied.state
        mempool.advance(to: state, now: clock.now())
    }
}
