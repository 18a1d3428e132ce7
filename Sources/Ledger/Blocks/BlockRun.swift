import Signing
import Wire

/// The execution of one block's transactions, one after another (PROTOCOL section 3).
struct BlockRun {
    let chain: ChainID
    let height: Int64
    let proposer: Address
    let verified: VerifiedSignatures
    var overlay: StateOverlay

    /// The parent state's: what a block changes holds from the next one on.
    var parameters: Parameters { overlay.base.parameters }

    /// A run that has done nothing yet; a block's begins with `payDueRefunds`.
    init(chain: ChainID, height: Int64, proposer: Address, state: LedgerState, verified: VerifiedSignatures) {
        self.chain = chain
        self.height = height
        self.proposer = proposer
        self.verified = verified
        overlay = StateOverlay(on: state)
    }

    /// Executes the next transaction.
    ///
    /// Throws why it may not be in this block, and then nothing has changed. A transaction that may be in it but whose effect
    /// fails gives a failed outcome: fee and nonce are used and nothing else changes.
    mutating func execute(_ transaction: Transaction, hash: Digest) throws(Problem) -> TxOutcome {
        let sender = overlay.account(transaction.sender)
        try checkNonce(transaction, of: sender)
        try checkFee(transaction)
        try checkSupported(transaction)
        if !verified.covers(hash, transaction.signature) || (transaction.publicKey ?? sender.publicKey)?.address != transaction.sender {
            try transaction.checkSignature(hash: hash, known: sender.publicKey)
        }
        let outcome: TxOutcome
        do {
            switch transaction.payload {
            case .receiptClaim(let claim): outcome = try executeClaim(claim, of: transaction, hash: hash)
            case .escrowRefund(let job): outcome = try executeRefund(of: job, by: transaction, hash: hash)
            case .transfer, .stake, .unstake, .parameterUpdate: outcome = try executePaying(transaction, hash: hash)
            }
        } catch {
            overlay.rollback()
            throw error
        }
        overlay.commit()
        if outcome.status == .confirmed, case .receiptClaim(let claim) = transaction.payload {
            overlay.attest(claim.terms.computeUnits, by: claim.coordinatorKey, at: height)
        }
        return outcome
    }

    /// A transaction whose sender pays the fee: charged first, and kept when the effect fails.
    private mutating func executePaying(_ transaction: Transaction, hash: Digest) throws(Problem) -> TxOutcome {
        try charge(transaction)
        overlay.commit()
        do {
            try effect(of: transaction, hash: hash)
            return TxOutcome(hash: hash, fee: transaction.fee)
        } catch {
            overlay.rollback()
            return TxOutcome(hash: hash, fee: transaction.fee, failure: error)
        }
    }

    /// A claim: its fee comes out of what it pays out. One that fails pays from the sender's balance; one that the mint limit
    /// holds back may not be in the block yet.
    private mutating func executeClaim(_ claim: ReceiptClaim, of transaction: Transaction, hash: Digest) throws(Problem) -> TxOutcome {
        do {
            try useNonce(transaction)
            try settle(claim, sender: transaction.sender, fee: transaction.fee, hash: hash)
            try overlay.credit(proposer, transaction.fee)
            return TxOutcome(hash: hash, fee: transaction.fee)
        } catch {
            overlay.rollback()
            if error.code == .mintLimited { throw error }
            try charge(transaction)
            return TxOutcome(hash: hash, fee: transaction.fee, failure: error)
        }
    }

    /// A refund: its fee comes out of the escrow once the money goes back. One that fails pays from the sender's balance.
    private mutating func executeRefund(of job: JobID, by transaction: Transaction, hash: Digest) throws(Problem) -> TxOutcome {
        do {
            try useNonce(transaction)
            try beginRefund(of: job, by: transaction.sender, fee: transaction.fee)
            return TxOutcome(hash: hash, fee: 0)
        } catch {
            overlay.rollback()
            try charge(transaction)
            return TxOutcome(hash: hash, fee: transaction.fee, failure: error)
        }
    }

    /// What a transaction does beyond fee and nonce. Types that aren't supported never come here; their effects go in here.
    mutating func effect(of transaction: Transaction, hash: Digest) throws(Problem) {
        switch transaction.payload {
        case .transfer(let transfer):
            try execute(transfer, from: transaction.sender, hash: hash)
        case .receiptClaim(let claim):
            try settle(claim, sender: transaction.sender, fee: transaction.fee, hash: hash)
        case .escrowRefund(let job):
            try beginRefund(of: job, by: transaction.sender, fee: transaction.fee)
        case .parameterUpdate(let update):
            try execute(update, from: transaction.sender)
        case .stake, .unstake:
            throw Self.unsupported(transaction)
        }
    }

    /// Whether the effect would succeed on this state by itself, whatever the nonce: what a mempool asks before it takes a
    /// transaction in. A claim that the mint limit holds back may wait there.
    mutating func rehearse(_ transaction: Transaction, hash: Digest) throws(Problem) {
        defer { overlay.rollback() }
        do {
            if transaction.paysFromBalance { try overlay.debit(transaction.sender, transaction.fee) }
            try effect(of: transaction, hash: hash)
        } catch {
            if error.code != .mintLimited { throw error }
        }
    }

    /// The new state and the records that changed.
    func finish() throws(Problem) -> (state: LedgerState, changes: [RecordChange]) {
        let changes = overlay.changes
        return (try overlay.base.updating(changes, attested: overlay.attested), changes)
    }
}

// What every transaction of a block must satisfy.
extension BlockRun {
    func checkNonce(_ transaction: Transaction, of sender: Account) throws(Problem) {
        guard transaction.nonce > sender.nonce else {
            throw Problem(.nonceTooLow, "nonce \(transaction.nonce) was used; the next is \(sender.nonce + 1)")
        }
        guard transaction.nonce == sender.nonce + 1 else {
            throw Problem(.nonceGap, "nonce \(transaction.nonce) leaves a gap; the next is \(sender.nonce + 1)")
        }
    }

    func checkFee(_ transaction: Transaction) throws(Problem) {
        let minimum = try parameters.minimumFee(payloadSize: transaction.payloadSize)
        guard transaction.fee >= minimum else { throw Problem(.feeTooLow, "the fee is \(transaction.fee), the least is \(minimum)") }
    }

    func checkSupported(_ transaction: Transaction) throws(Problem) {
        switch transaction.payload {
        case .transfer, .receiptClaim, .escrowRefund, .parameterUpdate: return
        case .stake, .unstake: throw Self.unsupported(transaction)
        }
    }

    static func unsupported(_ transaction: Transaction) -> Problem {
        Problem(.unsupportedTransaction, "\(transaction.payload.type) has no effect in this version yet")
    }

    /// Uses the nonce and remembers the sender's key, which the chain has now seen.
    private mutating func useNonce(_ transaction: Transaction) throws(Problem) {
        var sender = overlay.account(transaction.sender)
        sender.nonce = transaction.nonce
        sender.publicKey = sender.publicKey ?? transaction.publicKey
        overlay.set(sender)
    }

    /// Uses the nonce and moves the fee from the sender's balance to the proposer.
    mutating func charge(_ transaction: Transaction) throws(Problem) {
        try useNonce(transaction)
        try overlay.debit(transaction.sender, transaction.fee)
        try overlay.credit(proposer, transaction.fee)
    }
}
