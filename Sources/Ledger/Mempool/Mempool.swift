package import Signing
package import Wire

/// The transactions that wait for a block (PROTOCOL section 3): a value, without clock or network.
///
/// Each sender has at most one transaction for each nonce, without gaps; each signature is checked once, at the door.
package struct Mempool: Sendable {
    struct Entry: Sendable {
        let transaction: Transaction
        let hash: Digest
        /// When it came, in Unix seconds.
        let entered: Int64
        /// Earlier ones go first at the same fee.
        let order: UInt64

        var fee: Int64 { transaction.fee }
        var nonce: Int64 { transaction.nonce }
    }

    /// What only one pending transaction may do.
    private enum Claimed: Hashable {
        case deposit(JobID)
        case part(JobID, Int64)
        case refund(JobID)

        init?(_ payload: Payload) {
            switch payload {
            case .transfer(let transfer):
                guard let quote = transfer.quote else { return nil }
                self = .deposit(quote.jobID)
            case .receiptClaim(let claim): self = .part(claim.terms.jobID, claim.terms.part)
            case .escrowRefund(let job): self = .refund(job)
            case .stake, .unstake, .parameterUpdate: return nil
            }
        }

        /// Why a second one has to stay out.
        var refusal: Problem {
            switch self {
            case .deposit(let job): Problem(.escrowExists, "a deposit for \(job) is pending")
            case .part(let job, let part): Problem(.receiptAlreadyClaimed, "a claim for part \(part) of \(job) is pending")
            case .refund(let job): Problem(.escrowClosing, "a refund of \(job) is pending")
            }
        }

        /// Whether signatures lie inside the payload.
        var holdsSignatures: Bool { if case .refund = self { false } else { true } }
    }

    package let chain: ChainID
    package let limits: MempoolLimits
    /// Checked signatures of what is pending, for `BlockExecutor`.
    package private(set) var verified = VerifiedSignatures()

    /// Each sender's entries, by ascending nonce.
    private(set) var queues: [Address: [Entry]] = [:]
    private var places: [Digest: (sender: Address, nonce: Int64)] = [:]
    private var claimed: [Claimed: Digest] = [:]
    private var arrivals: UInt64 = 0
    /// No pending tail has a lower fee; nil when that isn't known.
    private var floor: Int64?

    package init(chain: ChainID, limits: MempoolLimits = MempoolLimits()) {
        self.chain = chain
        self.limits = limits
    }

    package var count: Int { places.count }

    /// The pending transaction with this hash.
    package func pending(_ hash: Digest) -> Transaction? {
        guard let place = places[hash] else { return nil }
        return queues[place.sender]?.first { $0.hash == hash }?.transaction
    }

    /// All that is pending, each sender's in the order of nonces.
    package var transactions: [Transaction] { queues.values.flatMap { $0.map(\.transaction) } }

    /// The nonce that a sender's next transaction takes, with what is pending.
    package func nextNonce(of sender: Address, state: LedgerState) -> Int64 {
        let last = state.account(sender).nonce
        return last + Int64(contiguous(queues[sender] ?? [], after: last)) + 1
    }

    /// Takes a transaction in, or says why not; one that is already pending is welcome again.
    ///
    /// - Parameters:
    ///   - state: the state after the head.
    ///   - height: of the head.
    ///   - now: in Unix seconds.
    /// - Returns: its hash.
    package mutating func admit(_ transaction: Transaction, state: LedgerState, height: Int64, now: Int64) throws(Problem) -> Digest {
        try admit(WaitingTransaction(transaction: transaction, entered: now), state: state, height: height)
    }

    /// The same for one that may have waited before.
    mutating func admit(_ waiting: WaitingTransaction, state: LedgerState, height: Int64) throws(Problem) -> Digest {
        let transaction = waiting.transaction
        let hash = transaction.hash(on: chain)
        if verified.covers(hash, transaction.signature), places[hash] != nil { return hash }
        var run = BlockRun(chain: chain, height: try Amount.add(height, 1), proposer: .treasury, state: state, verified: .none)
        let account = state.account(transaction.sender)
        let queue = queues[transaction.sender] ?? []
        let replaced = queue.first { $0.nonce == transaction.nonce }
        try run.checkSupported(transaction)
        try checkNonce(transaction, account: account, queue: queue)
        try run.checkFee(transaction)
        try checkFees(transaction, account: account, queue: queue, replacing: replaced)
        if let mine = Claimed(transaction.payload), let other = claimed[mine], other != replaced?.hash {
            throw mine.refusal
        }
        let victim = try roomFor(transaction, queue: queue, replacing: replaced)
        try transaction.checkSignature(hash: hash, known: account.publicKey)
        try run.rehearse(transaction, hash: hash)
        if let victim { remove(victim) }
        if let replaced { forget(replaced, of: transaction.sender) }
        insert(transaction, hash: hash, now: waiting.entered)
        return hash
    }

    /// Forgets a transaction and the same sender's later ones, which would leave a gap.
    package mutating func remove(_ hash: Digest) {
        guard let place = places[hash] else { return }
        let before = queues[place.sender]?.firstIndex { $0.nonce >= place.nonce } ?? 0
        keep(0..<before, of: place.sender)
    }

    /// Forgets what a proposal had to leave out and waiting won't mend, so that it doesn't stand in its sender's way.
    package mutating func discard(_ skipped: [(hash: Digest, reason: Problem)]) {
        for (hash, reason) in skipped where reason.code != .mintLimited && reason.code != .nonceGap { remove(hash) }
    }

    /// After a block: forgets what was used, what is too old, and what its sender can't pay for any more.
    package mutating func advance(to state: LedgerState, now: Int64) {
        for (sender, queue) in queues {
            let account = state.account(sender)
            let first = queue.firstIndex { $0.nonce > account.nonce } ?? queue.count
            var fees: Int64 = 0
            let end = queue[first...].firstIndex { entry in
                if entry.transaction.paysFromBalance { fees = (try? Amount.add(fees, entry.fee)) ?? Int64.max }
                return fees > account.balance || isOld(entry, now: now)
            }
            keep(first..<(end ?? queue.count), of: sender)
        }
    }

    /// Between blocks: forgets what has waited too long by the node's clock, and what would leave a gap after it.
    package mutating func expire(now: Int64) {
        for (sender, queue) in queues {
            if let end = queue.firstIndex(where: { isOld($0, now: now) }) { keep(0..<end, of: sender) }
        }
    }

    func isOld(_ entry: Entry, now: Int64) -> Bool {
        let (age, overflow) = now.subtractingReportingOverflow(entry.entered)
        return overflow || age >= limits.age
    }
}

extension Transaction {
    /// Whether its fee comes from the sender's balance, not out of what it sets free.
    var paysFromBalance: Bool {
        switch payload {
        case .receiptClaim, .escrowRefund: false
        case .transfer, .stake, .unstake, .parameterUpdate: true
        }
    }
}

// The rules at the door.
extension Mempool {
    /// How many entries follow `nonce` without a gap.
    func contiguous(_ queue: [Entry], after nonce: Int64) -> Int {
        var next = nonce
        for entry in queue where entry.nonce > nonce {
            guard entry.nonce == next + 1 else { break }
            next += 1
        }
        return Int(next - nonce)
    }

    private func checkNonce(_ transaction: Transaction, account: Account, queue: [Entry]) throws(Problem) {
        let next = account.nonce + 1
        guard transaction.nonce >= next else { throw Problem(.nonceTooLow, "nonce \(transaction.nonce) was used; the next is \(next)") }
        let last = account.nonce + Int64(contiguous(queue, after: account.nonce)) + 1
        guard transaction.nonce <= last else { throw Problem(.nonceGap, "nonce \(transaction.nonce) leaves a gap; the next is \(last)") }
    }

    /// A replacement must raise the fee by a tenth, and the sender must be able to pay all the fees it has pending.
    private func checkFees(_ transaction: Transaction, account: Account, queue: [Entry], replacing old: Entry?) throws(Problem) {
        if let old {
            guard Amount.product(transaction.fee, 10) >= Amount.product(old.fee, 11) else {
                throw Problem(.replacementFeeTooLow, "nonce \(old.nonce) is pending with fee \(old.fee); a replacement pays 110 % of it")
            }
        }
        guard transaction.paysFromBalance else { return }
        var fees = transaction.fee
        for entry in queue where entry.nonce != transaction.nonce && entry.nonce > account.nonce && entry.transaction.paysFromBalance {
            fees = try Amount.add(fees, entry.fee)
        }
        guard fees <= account.balance else {
            throw Problem(.insufficientBalance, "the sender holds \(account.balance), its pending fees are \(fees)")
        }
    }

    /// The transaction that has to make room, if the pool is full: the cheapest of all senders' last ones.
    private mutating func roomFor(_ transaction: Transaction, queue: [Entry], replacing old: Entry?) throws(Problem) -> Digest? {
        guard old == nil else { return nil }
        guard queue.count < limits.perSender else {
            throw Problem(.mempoolFull, "a sender may have \(limits.perSender) transactions pending")
        }
        guard count >= limits.transactions else { return nil }
        let full = Problem(.mempoolFull, "the mempool is full; a higher fee may find room")
        if let floor, transaction.fee <= floor { throw full }
        var cheapest: Entry?
        for (sender, queue) in queues where sender != transaction.sender {
            guard let tail = queue.last else { continue }
            if let best = cheapest, (best.fee, UInt64.max - best.order) <= (tail.fee, UInt64.max - tail.order) { continue }
            cheapest = tail
        }
        floor = cheapest?.fee
        guard let cheapest, cheapest.fee < transaction.fee else { throw full }
        return cheapest.hash
    }

    private mutating func insert(_ transaction: Transaction, hash: Digest, now: Int64) {
        let entry = Entry(transaction: transaction, hash: hash, entered: now, order: arrivals)
        arrivals += 1
        // In place: a copy of the queue for each arrival would make a long one's cost grow with its square.
        let pending = queues[transaction.sender]?.count ?? 0
        let later = queues[transaction.sender]?.reversed().prefix { $0.nonce > entry.nonce }.count ?? 0
        queues[transaction.sender, default: []].insert(entry, at: pending - later)
        places[hash] = (transaction.sender, transaction.nonce)
        let inner = Claimed(transaction.payload)
        if let inner { claimed[inner] = hash }
        verified.insert(hash, transaction.signature, inner: inner?.holdsSignatures ?? false)
        floor = nil
    }

    private mutating func forget(_ entry: Entry, of sender: Address) {
        queues[sender]?.removeAll { $0.hash == entry.hash }
        if queues[sender]?.isEmpty == true { queues[sender] = nil }
        unlist(entry)
    }

    /// Keeps a stretch of a sender's queue and forgets the rest.
    private mutating func keep(_ range: Range<Int>, of sender: Address) {
        guard let queue = queues[sender], range.count < queue.count else { return }
        for entry in queue[..<range.lowerBound] { unlist(entry) }
        for entry in queue[range.upperBound...] { unlist(entry) }
        queues[sender] = range.isEmpty ? nil : Array(queue[range])
    }

    private mutating func unlist(_ entry: Entry) {
        places[entry.hash] = nil
        if let held = Claimed(entry.transaction.payload), claimed[held] == entry.hash { claimed[held] = nil }
        verified.remove(entry.hash)
        floor = nil
    }
}
