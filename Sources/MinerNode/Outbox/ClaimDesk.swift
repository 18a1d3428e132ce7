import ChainClient
import Jobs
import Ledger
import Signing
import Synchronization
import Wire

/// Makes claims, sends them and says what became of them.
final class ClaimDesk: Sendable {
    /// What a refusal of a claim means for its receipt.
    enum Outcome: Sendable {
        case settled(height: Int64)
        /// This transaction can't get into a block for this reason; another one may, later.
        case lost(Problem)
        /// No claim of this receipt can succeed.
        case refused(Problem)
    }

    private let node: NodeClient
    private let key: PrivateKey
    private let chain: ChainID
    /// The chain's fees as last asked for: of a transaction, and of a byte of its payload.
    private let fees = Mutex<(base: Int64, perByte: Int64, asked: ContinuousClock.Instant)?>(nil)

    init(node: NodeClient, key: PrivateKey, chain: ChainID) { (self.node, self.key, self.chain) = (node, key, chain) }

    /// Signed claims with the first free nonces, in order.
    ///
    /// - Parameter taken: the nonces of claims that are on their way. A nonce left out between them would hold up those after it.
    func prepare(_ claims: [ReceiptClaim], besides taken: Set<Int64>) async throws(Problem) -> [Transaction] {
        let (base, perByte) = try await currentFees()
        var nonce = try await node.getBalance(key.address).nonce
        var transactions: [Transaction] = []
        for claim in claims {
            repeat { nonce = try Amount.add(nonce, 1) } while taken.contains(nonce)
            let transaction = try Transaction.signed(by: key, chain: chain, nonce: nonce, payload: .receiptClaim(claim)) { (bytes) throws(Problem) in
                try Amount.add(base, Amount.multiply(perByte, Int64(bytes)))
            }
            transactions.append(transaction)
        }
        return transactions
    }

    private func currentFees() async throws(Problem) -> (base: Int64, perByte: Int64) {
        if let known = fees.withLock({ $0 }), ContinuousClock.now - known.asked < .seconds(30) { return (known.base, known.perByte) }
        let params = try await node.params()
        guard let base = params[Parameter.baseFee.rawValue]?.integerValue, let perByte = params[Parameter.feePerByte.rawValue]?.integerValue else {
            throw Problem(.badAnswer, "the node's parameters name no fees")
        }
        fees.withLock { $0 = (base, perByte, .now) }
        return (base, perByte)
    }

    func head() async throws(Problem) -> Int64 { try await node.getHead().height }

    /// Hands claims to the node; each has an outcome of its own. Throws where none is known, and all have to be sent again.
    func send(_ transactions: [Transaction]) async throws(Problem) -> [Result<Digest, Problem>] { try await node.sendTxs(transactions) }

    /// Where claims stand; nil for those that the node doesn't know.
    func states(_ transactions: [Transaction]) async throws(Problem) -> [TransactionState?] {
        try await node.getTxs(transactions.map { $0.hash(on: chain) })
    }

    /// What a refusal, by a block or by the mempool, means for the receipt.
    func judge(_ problem: Problem, _ entry: OutboxEntry) async throws(Problem) -> Outcome {
        if problem.code == .feeTooLow { fees.withLock { $0 = nil } }
        // Those after a refused one, by the hundred: nothing is to be learned of each.
        if problem.code == .nonceGap { return .lost(problem) }
        // An earlier claim of ours, whose answer was lost, may have settled it.
        if let height = try await node.getReceipt(entry.id)?.height { return .settled(height: height) }
        if problem.code.endsClaim { return .refused(problem) }
        guard problem.code == .receiptAlreadyClaimed else { return .lost(problem) }
        // By one that is still pending, or by another miner's.
        let isTaken = try await node.getEscrow(entry.jobID)?.claimed.contains(entry.result.receipt.terms.part) ?? false
        return isTaken ? .refused(problem) : .lost(problem)
    }
}
