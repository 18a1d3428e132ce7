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
        /// This transaction is in no mempool and can't get into a block for this reason; another one may, later.
        case lost(Problem)
        /// No claim of this receipt can succeed.
        case refused(Problem)
    }

    let node: NodeClient
    let key: PrivateKey
    let chain: ChainID

    /// A signed claim with the first free nonce; nil if the chain has settled the receipt already.
    ///
    /// - Parameter taken: the nonces of claims that are on their way. A nonce left out between them would hold up those after it.
    func prepare(_ claim: ReceiptClaim, besides taken: Set<Int64>) async throws(Problem) -> Transaction? {
        if try await settledHeight(claim.terms.receiptID) != nil { return nil }
        let fee = try await node.estimateFee(.receiptClaim(claim))
        let account = try await node.getBalance(key.address)
        var nonce = try Amount.add(account.nonce, 1)
        while taken.contains(nonce) { nonce = try Amount.add(nonce, 1) }
        return .signed(by: key, chain: chain, nonce: nonce, fee: fee, payload: .receiptClaim(claim))
    }

    func settledHeight(_ receipt: ReceiptID) async throws(Problem) -> Int64? { try await node.getReceipt(receipt)?.height }

    /// Looks where a claim is, and sends it (again) if the node doesn't know it.
    ///
    /// - Throws: what leaves open whether the node took it; the same transaction has to be followed further.
    func follow(_ transaction: Transaction, of claim: ReceiptClaim) async throws(Problem) -> Outcome {
        let receipt = claim.terms.receiptID
        if let state = try await node.getTx(transaction.hash(on: chain)) {
            switch state.status {
            case .pending: return .waiting
            case .confirmed: return .settled(height: state.height ?? 0)
            case .failed: return try await judge(state.error ?? Problem(.badAnswer, "the claim failed without a reason"), claim)
            }
        }
        if let height = try await settledHeight(receipt) { return .settled(height: height) }
        do throws(Problem) {
            try await node.submitReceipt(transaction)
            return .sent
        } catch {
            if error.code.leavesTransactionOpen { throw error }
            return try await judge(error, claim)
        }
    }

    /// What a refusal, by a block or by the mempool, means for the receipt.
    private func judge(_ problem: Problem, _ claim: ReceiptClaim) async throws(Problem) -> Outcome {
        guard problem.code == .receiptAlreadyClaimed else { return problem.code.endsClaim ? .refused(problem) : .lost(problem) }
        // By an earlier claim of ours whose answer was lost, by one that is still pending, or by another miner's.
        if let height = try await settledHeight(claim.terms.receiptID) { return .settled(height: height) }
        let isTaken = try await node.getEscrow(claim.terms.jobID)?.claimed.contains(claim.terms.part) ?? false
        return isTaken ? .refused(problem) : .lost(problem)
    }
}
