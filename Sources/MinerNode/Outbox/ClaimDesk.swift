import ChainClient
import Ledger
import Signing
import Wire

/// Makes claims, sends them and says what became of them.
struct ClaimDesk: Sendable {
    /// What became of a claim so far.
    enum Outcome: Sendable {
        /// The node has it; no block does yet.
        case waiting
        /// It went to the node just now.
        case sent
        case settled(height: Int64)
        /// This transaction can't get into a block any more, another one may.
        case lost
        /// No claim of this receipt can succeed.
        case refused(Problem)
    }

    let node: NodeClient
    let key: PrivateKey
    let chain: ChainID

    /// A signed claim with the next free nonce; nil if the chain has settled the receipt already.
    ///
    /// - Parameter highest: the highest nonce of claims that are on their way.
    func prepare(_ claim: ReceiptClaim, after highest: Int64) async throws(Problem) -> Transaction? {
        if try await settledHeight(claim.terms.receiptID) != nil { return nil }
        let fee = try await node.estimateFee(.receiptClaim(claim))
        let account = try await node.getBalance(key.address)
        let nonce = try Amount.add(max(account.nonce, highest), 1)
        return .signed(by: key, chain: chain, nonce: nonce, fee: fee, payload: .receiptClaim(claim))
    }

    func settledHeight(_ receipt: ReceiptID) async throws(Problem) -> Int64? { try await node.getReceipt(receipt)?.height }

    /// Looks where a claim is, and sends it (again) if the node doesn't know it.
    ///
    /// - Throws: what may pass: a node that can't be reached or is full, the chain's limit on mint.
    func follow(_ transaction: Transaction, receipt: ReceiptID) async throws(Problem) -> Outcome {
        if let state = try await node.getTx(transaction.hash(on: chain)) {
            switch state.status {
            case .pending: return .waiting
            case .confirmed: return .settled(height: state.height ?? 0)
            case .failed: return try await judge(state.error ?? Problem(.badAnswer, "the claim failed without a reason"), receipt, used: true)
            }
        }
        if let height = try await settledHeight(receipt) { return .settled(height: height) }
        do throws(Problem) {
            try await node.submitReceipt(transaction)
            return .sent
        } catch {
            return try await judge(error, receipt, used: false)
        }
    }

    /// - Parameter used: the transaction is in a block, so its nonce is gone.
    private func judge(_ problem: Problem, _ receipt: ReceiptID, used: Bool) async throws(Problem) -> Outcome {
        switch problem.code {
        case .receiptAlreadyClaimed:
            // By an earlier claim of ours, whose answer was lost.
            if let height = try await settledHeight(receipt) { return .settled(height: height) }
            return .refused(problem)
        case .nonceTooLow, .nonceGap, .feeTooLow, .replacementFeeTooLow: return .lost
        case .mintLimited, .unknownEscrow:
            // Waits for the window to move, or for the node to catch up.
            if used { return .lost }
            throw problem
        default:
            if problem.isTransient { throw problem }
            return .refused(problem)
        }
    }
}
