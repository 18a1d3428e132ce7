package import Ledger
package import Wire

/// What a whole chain came to, found by executing it again.
package struct ChainFindings: Sendable, Equatable {
    package var height: Int64 = 0
    package var hash: Digest = .zero
    package var transactions = 0
    /// Of these, the ones whose effect failed.
    package var failed = 0
    /// Settled claims.
    package var claims = 0
    /// Confirmed refunds.
    package var refunds = 0
    package var records = 0
    /// Base units, like the next ones.
    package var genesisSupply: Int64 = 0
    package var minted: Int64 = 0
    package var burned: Int64 = 0
    /// The sum over all records: genesis supply + minted − burned.
    package var supply: Int64 = 0
}

/// Why a chain is not what it says.
package struct ChainFault: Error, Sendable {
    /// The first bad block; nil where the fault is not in one.
    package let height: Int64?
    package let problem: Problem
}

/// Executes a store's whole chain again, from its genesis, and compares everything that lies there: hashes, roots,
/// signatures, turns, what became of each transaction, the records, and the supply. Nothing is written.
package struct ChainVerifier: Sendable {
    private let store: SQLiteChainStore

    package init(_ store: SQLiteChainStore) { self.store = store }

    /// - Parameters:
    ///   - genesis: what the chain must begin with; nil takes the store's own.
    ///   - now: Unix seconds; no block may be further ahead than one interval.
    ///   - progress: is told every height that was checked, and the last one.
    package func run(genesis: Genesis?, now: Int64, progress: (Int64, Int64) -> Void = { _, _ in }) async throws(ChainFault) -> ChainFindings {
        let (own, head) = try await Self.at(nil) { () async throws(Problem) in
            try await store.checkFile()
            guard let identity = try await store.identity() else { throw Problem(.wrongChain, "the store is empty: it belongs to no chain yet") }
            let own = try Genesis(JSON.parse(Array(identity.genesis.utf8)))
            guard genesis == nil || genesis?.json == own.json else { throw Problem(.wrongChain, "the store belongs to another genesis than the one given") }
            guard let head = try await store.head() else { throw Problem(.wrongChain, "the store has no blocks") }
            return (own, head)
        }
        var state = try await Self.at(0) { () async throws(Problem) in
            let first = try own.block()
            guard let stored = try await store.stored(height: 0), stored.block == first, stored.hash == first.hash, stored.bodies.isEmpty else {
                throw Problem(.badBlock, "block 0 is not the genesis'")
            }
            return try own.state()
        }
        var parent = try await Self.at(0) { () async throws(Problem) in try own.block().head }
        var findings = ChainFindings()
        findings.genesisSupply = state.genesisSupply
        let executor = BlockExecutor(genesis: own)
        // Up to the height that the head's row says; each block's own height is checked against its parent's.
        for height in stride(from: Int64(1), through: head.header.height, by: 1) {
            let (stored, applied) = try await Self.at(height) { () async throws(Problem) in
                guard let stored = try await store.stored(height: height) else { throw Problem(.badBlock, "the block is missing") }
                let bodies = stored.bodies.map(\.transaction)
                let applied = try executor.apply(block: stored.block, transactions: bodies, to: state, parent: parent, now: now)
                try Self.compare(stored, applied)
                return (stored, applied)
            }
            (state, parent) = (applied.state, applied.head)
            findings.count(stored.bodies.map(\.transaction), applied)
            progress(height, head.header.height)
        }
        findings.height = parent.height
        findings.hash = parent.hash
        let last = (state: state, transactions: findings.transactions)
        try await Self.at(nil) { () async throws(Problem) in try await compareRest(last.state, blocks: parent.height + 1, transactions: last.transactions) }
        findings.records = state.tree.count
        (findings.minted, findings.burned, findings.supply) = (state.minted, state.burned, state.tree.money)
        return findings
    }

    /// The columns beside a block must say what it says, and each transaction's outcome be what it came to.
    private static func compare(_ stored: StoredBlock, _ applied: AppliedBlock) throws(Problem) {
        guard stored.hash == stored.block.hash else { throw Problem(.badBlock, "the block is filed under another hash than its own") }
        for (body, outcome) in zip(stored.bodies, applied.outcomes) {
            guard body.hash == outcome.hash else { throw Problem(.badBlock, "transaction \(outcome.hash) is filed under another hash") }
            guard body.error == outcome.code?.rawValue else {
                throw Problem(
                    .badBlock,
                    "transaction \(outcome.hash) came to \(outcome.code?.rawValue ?? "confirmed"), the store says \(body.error ?? "confirmed")")
            }
        }
    }

    /// After the last block: nothing more lies there, and the records are the state.
    private func compareRest(_ state: LedgerState, blocks: Int64, transactions: Int) async throws(Problem) {
        let counts = try await store.rowCounts()
        guard counts.blocks == blocks, counts.transactions == transactions else {
            throw Problem(.badBlock, "the store holds \(counts.blocks) blocks and \(counts.transactions) transactions, the chain \(blocks) and \(transactions)")
        }
        let records = try await store.records()
        let kept = try StateTree().updating(records)
        guard kept.root == state.root, records.count == state.tree.count else {
            let kept = Dictionary(records.map { ($0.key, $0.record) }) { first, _ in first }
            let bad = state.records.first { kept[$0.key] != $0.record }?.key ?? kept.keys.first { state[$0] == nil }
            let name = bad.map { "\($0.kind.rawValue)|\($0.id)" } ?? "one that is there twice"
            throw Problem(.wrongStateRoot, "the records are not the state after the last block; the first that differs is \(name)")
        }
        try state.auditSupply()
    }

    private static func at<Value>(_ height: Int64?, _ body: () async throws(Problem) -> Value) async throws(ChainFault) -> Value {
        do throws(Problem) { return try await body() } catch { throw ChainFault(height: height, problem: error) }
    }
}

extension ChainFindings {
    fileprivate mutating func count(_ bodies: [Transaction], _ applied: AppliedBlock) {
        transactions += bodies.count
        for (transaction, outcome) in zip(bodies, applied.outcomes) {
            guard outcome.status == .confirmed else {
                failed += 1
                continue
            }
            switch transaction.payload {
            case .receiptClaim: claims += 1
            case .escrowRefund: refunds += 1
            case .transfer, .stake, .unstake, .parameterUpdate: break
            }
        }
    }
}
