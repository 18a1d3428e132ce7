package import Ledger
import Signing
package import Wire

/// A chain of made-up jobs, to measure a node with: every block opens some escrows and settles those of the block before.
///
/// Its keys follow from a seed and are nobody's secret. Blocks are made and stored as a proposer's are, each signed and durable.
package struct SimulatedChain: Sendable {
    package let genesis: Genesis
    private let proposer: PrivateKey
    private let coordinator: PrivateKey
    private let client: PrivateKey
    private let miner: PrivateKey

    /// - Parameter start: the genesis timestamp in Unix seconds; blocks follow it at one a second.
    package init(chain: ChainID, start: Int64) throws(Problem) {
        func key(_ name: String) throws(Problem) -> PrivateKey { try PrivateKey(seed: SHA256.hash(utf8: "adit simulation " + name).bytes) }
        (proposer, coordinator) = (try key("proposer"), try key("coordinator"))
        (client, miner) = (try key("client"), try key("miner"))
        genesis = try Genesis(
            chain: chain, timestamp: start, accounts: [client.address: 1_000_000_000_000],
            parameters: Parameters(
                [.blockInterval: 1], authorities: [proposer.publicKey], coordinators: [coordinator.publicKey], admin: proposer.publicKey))
    }

    /// Makes a fresh store this chain's and fills it.
    ///
    /// - Parameters:
    ///   - jobs: opened in each block; settled in the next.
    ///   - progress: is told each height once it is durable.
    package func fill(_ store: any ChainStore, blocks: Int64, jobs: Int, progress: (Int64) -> Void = { _ in }) async throws(Problem) {
        var state = try genesis.state()
        var parent = try genesis.block()
        let identity = StoreIdentity(genesis: genesis.json.canonicalString, nodeID: SecureRandom.hex(bytes: 16))
        try await store.create(identity, genesis: parent, records: Array(state.records))
        let executor = BlockExecutor(genesis: genesis)
        var unsettled: [(quote: Quote, payment: Digest)] = []
        for height in stride(from: Int64(1), through: blocks, by: 1) {
            var bodies = try claims(of: unsettled, state: state)
            unsettled = []
            for job in 0..<jobs {
                let (quote, deposit) = try deposit(height: height, job: job, state: state)
                unsettled.append((quote, deposit.hash(on: genesis.chain)))
                bodies.append(deposit)
            }
            let time = genesis.timestamp + height
            let proposed = try executor.propose(
                transactions: bodies, on: state, parent: parent.head, proposer: proposer.publicKey, timestamp: time, now: time)
            try await store.setSigningMark(SigningMark(header: proposed.header, transactions: proposed.transactions))
            let block = Block.signed(proposed.header, transactions: proposed.hashes, by: proposer, chain: genesis.chain)
            let applied = try proposed.sealed(block)
            try await store.append(applied, transactions: proposed.transactions)
            (state, parent) = (applied.state, block)
            progress(height)
        }
    }

    private func deposit(height: Int64, job: Int, state: LedgerState) throws(Problem) -> (Quote, Transaction) {
        let quote = try Quote.signed(
            by: coordinator, chain: genesis.chain, client: client.address, specHash: SHA256.hash(utf8: "spec"),
            salt: Salt(String(SHA256.hash(utf8: "\(height) \(job)").hex.prefix(32))), computeUnits: 1, price: 50, expiresHeight: height)
        let payload = Payload.transfer(try Transfer(to: .escrow, amount: quote.price, quote: quote))
        let nonce = state.account(client.address).nonce + Int64(job) + 1
        return (quote, .signed(by: client, chain: genesis.chain, nonce: nonce, fee: 10, payload: payload))
    }

    private func claims(of jobs: [(quote: Quote, payment: Digest)], state: LedgerState) throws(Problem) -> [Transaction] {
        let chain = genesis.chain
        var nonce = state.account(miner.address).nonce
        var claims: [Transaction] = []
        for (quote, payment) in jobs {
            nonce += 1
            let terms = try ReceiptTerms(
                chain: chain, jobID: quote.jobID, part: 0, client: quote.client, miner: miner.address, payout: miner.address,
                computeUnits: quote.computeUnits, price: quote.price, outputHash: OutputHash(SHA256.hash(utf8: quote.jobID.text)),
                nonce: Nonce16(String(quote.salt.text)))
            let claim = ReceiptClaim(
                terms: terms, payment: payment, minerKey: miner.publicKey, minerSignature: miner.sign(terms.receiptDigest(on: chain)),
                coordinatorKey: coordinator.publicKey, coordinatorSignature: coordinator.sign(terms.attestDigest(on: chain, payment: payment)))
            claims.append(.signed(by: miner, chain: chain, nonce: nonce, fee: 10, payload: .receiptClaim(claim), namesKey: nonce == 1))
        }
        return claims
    }
}
