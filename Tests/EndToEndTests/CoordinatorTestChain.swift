import Coordinator
import Jobs
import Ledger
import Signing
import Wire

/// The chain behind the coordinator's port, as a test sets it.
actor CoordinatorTestChain: ChainPort {
    private var head: Int64 = 100
    private var escrows: [JobID: EscrowView] = [:]
    private var claims: [ReceiptID: Int64] = [:]
    private var isDown = false
    private var fees: (base: Int64, perByte: Int64) = (0, 0)
    private var burn: Int64 = 0
    private var nonces: [Address: Int64] = [:]
    private var pending: [Transaction] = []
    private var blocks: [Digest: ChainTransaction] = [:]
    /// Transactions handed in, and whether the answer to the next one is lost after it was taken.
    private(set) var handedIn = 0
    /// Escrows that a refund began to close.
    private(set) var refunds = 0
    private var closing: [JobID: Int64] = [:]
    private var losesAnswers = false
    private var refusal: Problem.Code?
    private let chainID: ChainID

    init(_ chainID: ChainID) { self.chainID = chainID }

    private func reach() throws(Problem) { if isDown { throw Problem(.transportFailed, "the node is down") } }

    func height() async throws(Problem) -> Int64 {
        try reach()
        return head
    }

    func terms() async throws(Problem) -> ChainTerms {
        ChainTerms(
            blockIntervalSeconds: 2, escrowTimeoutBlocks: 43_200, minPricePerUnit: 0, maxUnitsPerClaim: 0, baseFee: fees.base, feePerByte: fees.perByte,
            burnBps: burn, mintPerUnit: 1000)
    }

    /// Only before a coordinator runs: it reads the parameters rarely.
    func charge(base: Int64, perByte: Int64, burn: Int64 = 0) { (fees, self.burn) = ((base, perByte), burn) }

    func escrow(_ job: JobID) async throws(Problem) -> EscrowView? {
        try reach()
        return escrows[job]
    }

    func escrows(_ jobs: [JobID]) async throws(Problem) -> [EscrowView?] {
        try reach()
        return jobs.map { escrows[$0] }
    }

    func claimHeights(_ receipts: [ReceiptID]) async throws(Problem) -> [Int64?] { receipts.map { claims[$0] } }

    func advance(to height: Int64) { head = height }
    func fall(down: Bool) { isDown = down }
    func claim(_ receipt: ReceiptID) { claims[receipt] = head }

    /// Puts the quote's deposit into a block; a test may falsify one thing of it.
    func pay(_ quote: Quote, price: Int64? = nil, coordinator: PublicKey? = nil, client: Address? = nil, isOpen: Bool = true) {
        head += 1
        escrows[quote.jobID] = EscrowView(
            jobID: quote.jobID, client: client ?? quote.client, coordinator: coordinator ?? quote.coordinator, payment: SHA256.hash(utf8: quote.jobID.text),
            computeUnits: quote.computeUnits, price: price ?? quote.price, parts: quote.parts, opened: head, status: isOpen ? .open : .settled)
    }

    // MARK: transactions, as a node takes them

    func openEscrows(of coordinator: PublicKey, after: JobID?) async throws(Problem) -> EscrowPage {
        try reach()
        var open = escrows.values.filter { $0.isOpen && $0.coordinator == coordinator }.sorted { $0.jobID < $1.jobID }
        if let after { open.removeAll { $0.jobID <= after } }
        return EscrowPage(escrows: Array(open.prefix(2)), next: open.count > 2 ? open[1].jobID : nil)
    }

    func lastNonce(of address: Address) async throws(Problem) -> Int64 {
        try reach()
        return nonces[address] ?? 0
    }

    func send(_ transaction: Transaction) async throws(Problem) {
        try reach()
        handedIn += 1
        if let refusal { throw Problem(refusal, "as the test wants it") }
        let hash = transaction.hash(on: chainID)
        try transaction.checkSignature(hash: hash, known: nil)
        let mine = pending.filter { $0.sender == transaction.sender }
        if !mine.contains(where: { $0.hash(on: chainID) == hash }) {
            let used = nonces[transaction.sender] ?? 0
            guard transaction.nonce > used else { throw Problem(.nonceTooLow, "nonce \(transaction.nonce) is used") }
            guard transaction.nonce <= used + Int64(mine.count) + 1 else { throw Problem(.nonceGap, "a gap before \(transaction.nonce)") }
            if let other = mine.first(where: { $0.nonce == transaction.nonce }) {
                guard transaction.fee * 10 >= other.fee * 11 else { throw Problem(.replacementFeeTooLow, "the fee of \(transaction.fee)") }
                pending.removeAll { $0 == other }
            }
            pending.append(transaction)
        }
        if losesAnswers { throw Problem(.transportFailed, "the answer is lost") }
    }

    func transaction(_ hash: Digest) async throws(Problem) -> ChainTransaction? {
        try reach()
        return blocks[hash] ?? (pending.contains { $0.hash(on: chainID) == hash } ? .pending : nil)
    }

    /// A block with what is pending; a refund closes at the next one but one.
    func mine() {
        head += 1
        for (id, height) in closing where height <= head {
            escrows[id] = escrows[id].map { Self.with($0, .refunded) }
            closing[id] = nil
        }
        for transaction in pending.sorted(by: { $0.nonce < $1.nonce }) {
            nonces[transaction.sender] = transaction.nonce
            let code = effect(of: transaction)
            blocks[transaction.hash(on: chainID)] = code.map { .failed(height: head, $0) } ?? .confirmed(height: head)
        }
        pending = []
    }

    private func effect(of transaction: Transaction) -> Problem.Code? {
        switch transaction.payload {
        case .escrowRefund(let id):
            guard let escrow = escrows[id] else { return .unknownEscrow }
            guard escrow.isOpen else { return .escrowClosed }
            escrows[id] = Self.with(escrow, .closing)
            closing[id] = head + 2
            refunds += 1
        case .transfer(let transfer):
            guard let quote = transfer.quote else { return nil }
            if escrows[quote.jobID] != nil { return .escrowExists }
            escrows[quote.jobID] = EscrowView(
                jobID: quote.jobID, client: transaction.sender, coordinator: quote.coordinator, payment: transaction.hash(on: chainID),
                computeUnits: quote.computeUnits, price: quote.price, parts: quote.parts, opened: head, status: .open)
        default: return .unsupportedTransaction
        }
        return nil
    }

    private static func with(_ escrow: EscrowView, _ status: Escrow.Status) -> EscrowView {
        EscrowView(
            jobID: escrow.jobID, client: escrow.client, coordinator: escrow.coordinator, payment: escrow.payment, computeUnits: escrow.computeUnits,
            price: escrow.price, parts: escrow.parts, opened: escrow.opened, status: status)
    }

    /// Somebody else uses the account: its nonce moves on, and what is pending under it is gone.
    func overtake(_ address: Address) {
        nonces[address, default: 0] += 1
        pending.removeAll { $0.sender == address }
    }

    /// The node forgets what waits for a block, as one that is killed does.
    func forgetPending() { pending = [] }
    func lose(answers: Bool) { losesAnswers = answers }
    func refuse(_ code: Problem.Code?) { refusal = code }
    func status(_ id: JobID) -> Escrow.Status? { escrows[id]?.status }
    /// The escrow is as if its claim had been in a block.
    func settle(_ id: JobID) { escrows[id] = escrows[id].map { Self.with($0, .settled) } }
}
