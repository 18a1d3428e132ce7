import ChainNode
import Ledger
import Signing
import Testing
import Wire

/// What every chain store has to hold; each implementation's tests run it on a fresh store.
struct ChainStoreContract {
    let chain: TestChain
    /// Opens the same store again, as a restart does.
    let reopen: () throws -> any ChainStore

    func run() async throws {
        let first = try chain.genesis.block()
        let state = try chain.genesis.state()
        try await freshness(first, state)
        // Two blocks; the second one's second transaction fails.
        let bodies = [
            [try chain.transfer(1000, to: chain.miner.address, nonce: 1)],
            [try chain.transfer(990_000, to: chain.miner.address, nonce: 2), try chain.transfer(990_000, to: chain.miner.address, nonce: 3)],
        ]
        let (head, last) = try await fill(bodies, after: first, state)
        try await found(bodies, head: head, state: last)
    }

    /// Appends a block of each list, in the order that a proposer does.
    private func fill(_ bodies: [[Transaction]], after first: Block, _ genesis: LedgerState) async throws -> (Block, LedgerState) {
        let executor = BlockExecutor(genesis: chain.genesis)
        let store = try reopen()
        #expect(try await store.identity()?.genesis == chain.genesis.json.canonicalString)
        #expect(try await store.head() == first)
        #expect(try await LedgerState(records: store.records()).root == genesis.root)
        var (parent, state) = (first, genesis)
        for (index, transactions) in bodies.enumerated() {
            let time = TestChain.start + Int64(index + 1) * TestChain.interval
            let proposed = try executor.propose(
                transactions: transactions, on: state, parent: parent.head, proposer: chain.authority.publicKey, timestamp: time, now: time)
            let mark = SigningMark(header: proposed.header, transactions: proposed.transactions)
            try await store.setSigningMark(mark)
            #expect(try await store.signingMark() == mark)
            await #expect(throws: Problem.self) { try await store.setSigningMark(mark) }
            let block = Block.signed(proposed.header, transactions: proposed.hashes, by: chain.authority, chain: chain.chain)
            let applied = try proposed.sealed(block)
            await #expect(throws: Problem.self) { try await store.append(applied, transactions: []) }
            try await store.append(applied, transactions: proposed.transactions)
            await #expect(throws: Problem.self, "a block twice") { try await store.append(applied, transactions: proposed.transactions) }
            (state, parent) = (applied.state, block)
        }
        return (parent, state)
    }

    private func freshness(_ first: Block, _ state: LedgerState) async throws {
        let store = try reopen()
        #expect(try await store.identity() == nil)
        #expect(try await store.head() == nil)
        #expect(try await store.records().isEmpty)
        #expect(try await store.signingMark() == nil)
        let identity = StoreIdentity(genesis: chain.genesis.json.canonicalString, nodeID: String(repeating: "c", count: 32))
        try await store.create(identity, genesis: first, records: Array(state.records))
        await #expect(throws: Problem.self) { try await store.create(identity, genesis: first, records: []) }
        #expect(try await store.identity() == identity)
    }

    private func found(_ bodies: [[Transaction]], head: Block, state: LedgerState) async throws {
        let store = try reopen()
        #expect(try await store.head() == head)
        #expect(try await LedgerState(records: store.records()).root == state.root)
        #expect(try await store.block(height: 2) == head)
        #expect(try await store.block(hash: head.hash) == head)
        #expect(try await store.block(height: 3) == nil)
        #expect(try await store.block(hash: .zero) == nil)
        #expect(try await store.transactions(height: 0).isEmpty)
        for (index, transactions) in bodies.enumerated() { #expect(try await store.transactions(height: Int64(index + 1)) == transactions) }
        let good = try #require(try await store.transaction(hash: bodies[1][0].hash(on: chain.chain)))
        #expect(good == StoredTransaction(transaction: bodies[1][0], height: 2, error: nil))
        let failed = try #require(try await store.transaction(hash: bodies[1][1].hash(on: chain.chain)))
        #expect(failed.error == "insufficient_balance")
        #expect(try await store.transaction(hash: .zero) == nil)
        let hashes = bodies[1].map { $0.hash(on: chain.chain) }
        let outcomes = try await store.outcomes(of: hashes.reversed() + [.zero])
        #expect(outcomes[hashes[0]] == StoredOutcome(height: 2, error: nil))
        #expect(outcomes[hashes[1]] == StoredOutcome(height: 2, error: "insufficient_balance"))
        #expect(outcomes.count == hashes.count, "none is made up")
        #expect(try await store.outcomes(of: []).isEmpty)
    }
}

struct SQLiteChainStoreTests {
    @Test func holdsTheContract() async throws {
        let folder = try TemporaryFolder()
        try await ChainStoreContract(chain: try TestChain()) { try SQLiteChainStore(path: folder.database) }.run()
    }

    @Test func flushesEveryCommit() throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteChainStore(path: folder.path + "/deep/er/chain.db")
        #expect(try store.durability() == ["wal", "2"])
    }
}
