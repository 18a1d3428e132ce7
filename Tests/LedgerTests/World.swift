import Ledger
import Signing
import Testing
import Wire

/// A small chain for tests: named keys, one coordinator and a spare one, one authority, a clock of its own.
struct World {
    let chain: ChainID
    let genesis: Genesis
    let executor: BlockExecutor
    let client: PrivateKey
    let miner: PrivateKey
    let coordinator: PrivateKey
    let spareCoordinator: PrivateKey
    let proposer: PrivateKey
    let admin: PrivateKey
    var state: LedgerState
    var head: Head
    var now: Int64
    private var salts: Int64 = 0

    static let start: Int64 = 1_700_000_000

    init(
        _ values: [Parameter: Int64] = [:], clientBalance: Int64 = 1_000_000, funded: [(PrivateKey, Int64)] = [],
        authorities: [PrivateKey]? = nil
    ) throws {
        chain = try ChainID("ait-test")
        client = try Self.key(1)
        miner = try Self.key(2)
        coordinator = try Self.key(3)
        spareCoordinator = try Self.key(4)
        proposer = try Self.key(5)
        admin = try Self.key(6)
        let parameters = try Parameters(
            values, authorities: (authorities ?? [proposer]).map(\.publicKey),
            coordinators: [coordinator.publicKey, spareCoordinator.publicKey], admin: admin.publicKey)
        var accounts = [client.address: clientBalance]
        for (key, balance) in funded { accounts[key.address] = balance }
        genesis = try Genesis(chain: chain, timestamp: Self.start, accounts: accounts, parameters: parameters)
        executor = BlockExecutor(genesis: genesis)
        state = try genesis.state()
        head = try genesis.block().head
        now = Self.start + 1000
    }

    static func key(_ number: UInt8) throws -> PrivateKey {
        try PrivateKey(seed: [UInt8](repeating: number, count: 32))
    }

    /// Makes, signs and applies a block of whatever may be in it.
    @discardableResult
    mutating func block(_ candidates: [Transaction], verified: VerifiedSignatures = .none) throws -> (applied: AppliedBlock, proposed: ProposedBlock) {
        let before = state
        let time = try #require(executor.consensus.nextTurn(of: proposer.publicKey, after: head, state: state, now: now))
        now = time
        let proposed = try executor.propose(
            transactions: candidates, on: state, parent: head, proposer: proposer.publicKey, timestamp: time, now: now, verified: verified)
        let block = Block.signed(proposed.header, transactions: proposed.hashes, by: proposer, chain: chain)
        let applied = try executor.apply(
            block: block, transactions: proposed.transactions, to: state, parent: head, now: now, verified: verified)
        #expect(applied.outcomes == proposed.outcomes)
        #expect(try before.tree.updating(applied.changes).root == applied.state.root)
        state = applied.state
        head = applied.head
        try state.auditSupply()
        return (applied, proposed)
    }

    /// A block of exactly these transactions; gives their outcomes.
    @discardableResult
    mutating func run(_ transactions: Transaction...) throws -> [TxOutcome] {
        let (applied, proposed) = try block(transactions)
        #expect(proposed.skipped.isEmpty, "\(proposed.skipped)")
        return applied.outcomes
    }

    /// Why a transaction may not be in the next block; nil if it may.
    func refusal(_ transaction: Transaction) throws -> Problem.Code? {
        var copy = self
        return try copy.block([transaction]).proposed.skipped.first?.reason.code
    }

    /// The code with which a transaction fails in the next block; nil if it doesn't.
    func failure(_ transaction: Transaction) throws -> Problem.Code? {
        var copy = self
        return try copy.run(transaction)[0].code
    }

    func nonce(_ key: PrivateKey) -> Int64 { state.account(key.address).nonce + 1 }
    func balance(_ key: PrivateKey) -> Int64 { state.account(key.address).balance }

    func send(_ payload: Payload, from key: PrivateKey, nonce: Int64? = nil, fee: Int64 = 10, namesKey: Bool = true) -> Transaction {
        Transaction.signed(by: key, chain: chain, nonce: nonce ?? self.nonce(key), fee: fee, payload: payload, namesKey: namesKey)
    }

    func transfer(_ amount: Int64, from key: PrivateKey, to address: Address, nonce: Int64? = nil, fee: Int64 = 10) throws -> Transaction {
        send(.transfer(try Transfer(to: address, amount: amount)), from: key, nonce: nonce, fee: fee)
    }

    mutating func quote(units: Int64 = 100, price: Int64 = 5000, parts: Int64 = 1, expires: Int64 = 1000, by key: PrivateKey? = nil) throws -> Quote {
        salts += 1
        return try Quote.signed(
            by: key ?? coordinator, chain: chain, client: client.address, specHash: SHA256.hash(utf8: "spec"),
            salt: Salt(String(SHA256.hash(utf8: "salt \(salts)").hex.prefix(32))), computeUnits: units, price: price, parts: parts,
            expiresHeight: expires)
    }

    func deposit(_ quote: Quote, amount: Int64? = nil, to: Address = .escrow, from key: PrivateKey? = nil) throws -> Transaction {
        send(.transfer(try Transfer(to: to, amount: amount ?? quote.price, quote: quote)), from: key ?? client)
    }

    /// Opens the quote's escrow and gives the payment's hash.
    @discardableResult mutating func open(_ quote: Quote) throws -> Digest {
        let outcome = try run(try deposit(quote))[0]
        #expect(outcome.status == .confirmed, "\(outcome.detail)")
        return outcome.hash
    }

    /// A claim for a part, honest unless told otherwise.
    func claim(_ quote: Quote, payment: Digest, part: Int64 = 0, _ change: (inout ClaimPlan) -> Void = { _ in }) throws -> ReceiptClaim {
        var plan = ClaimPlan(
            jobID: quote.jobID, part: part, client: quote.client, miner: miner, minerAddress: miner.address, payout: miner.address,
            units: (try? quote.units(of: part)) ?? 0, price: (try? quote.price(of: part)) ?? 0, payment: payment, coordinator: coordinator)
        change(&plan)
        return try plan.claim(chain)
    }

    func refund(_ quote: Quote, by key: PrivateKey? = nil, fee: Int64 = 10, nonce: Int64? = nil) -> Transaction {
        send(.escrowRefund(quote.jobID), from: key ?? coordinator, nonce: nonce, fee: fee)
    }

    func update(_ update: ParameterUpdate, by key: PrivateKey? = nil, nonce: Int64? = nil) -> Transaction {
        send(.parameterUpdate(update), from: key ?? admin, nonce: nonce)
    }

    /// Empty blocks until the head has this height.
    mutating func advance(to height: Int64) throws {
        while head.height < height { try block([]) }
    }

    func submit(_ claim: ReceiptClaim, from key: PrivateKey? = nil, fee: Int64 = 10) -> Transaction {
        send(.receiptClaim(claim), from: key ?? miner, fee: fee)
    }
}

/// What a test claim says, and who signs it.
struct ClaimPlan {
    var jobID: JobID
    var part: Int64
    var client: Address
    var miner: PrivateKey
    var minerAddress: Address
    var payout: Address
    var units: Int64
    var price: Int64
    var payment: Digest
    var coordinator: PrivateKey
    /// Named in the claim; nil for the signer's.
    var coordinatorKey: PublicKey?
    var minerKey: PublicKey?
    var lease = "lease"

    func claim(_ chain: ChainID) throws -> ReceiptClaim {
        let terms = try ReceiptTerms(
            chain: chain, jobID: jobID, part: part, client: client, miner: minerAddress, payout: payout, computeUnits: units, price: price,
            outputHash: OutputHash(SHA256.hash(utf8: "output")), nonce: Nonce16(String(SHA256.hash(utf8: lease).hex.prefix(32))))
        return ReceiptClaim(
            terms: terms, payment: payment, minerKey: minerKey ?? miner.publicKey, minerSignature: miner.sign(terms.receiptDigest(on: chain)),
            coordinatorKey: coordinatorKey ?? coordinator.publicKey,
            coordinatorSignature: coordinator.sign(terms.attestDigest(on: chain, payment: payment)))
    }
}

/// The code that a body throws, or nil.
func code(_ body: () throws -> some Any) -> Problem.Code? {
    do {
        _ = try body()
        return nil
    } catch {
        return (error as? Problem)?.code
    }
}

/// SplitMix64: the same numbers on every machine.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
