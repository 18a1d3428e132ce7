import ChainClient
import Ledger
import Signing
import Wire

/// One key's account on a chain, through a node.
struct Wallet {
    let node: NodeClient
    let key: PrivateKey
    let chain: ChainID

    /// The keys that the chain lets sign for work. Throws `wrong_chain` where the node is of another chain.
    func coordinators() async throws(Problem) -> [PublicKey] {
        var fields = try JSONFields(try await node.params(), "params")
        let name = try fields.string("chain_id", maxBytes: 32)
        guard name == chain.text else {
            throw Problem(.wrongChain, "the node \(node.url) is of chain \(name), and this is for chain \(chain); nothing was paid")
        }
        return try fields.array("coordinators", maxCount: 1 << 16).compactMap { $0.stringValue.flatMap { PublicKey(hex: $0) } }
    }

    /// Signs and sends a transaction with the next free nonce and waits until it is in a block.
    ///
    /// Others may use the key at the same time: who finds the nonce taken signs anew with the next one. That is another transaction, which
    /// must not come beside the first. So it is made only where the first can't be in a block any more: the node refused it and
    /// can't have taken it before, or its nonce is used up and it is in no block. Where an answer was lost, the same one is sent again.
    /// - Throws: what the ledger said where its effect failed; `timeout` after two minutes without a block.
    func send(_ payload: Payload) async throws(Problem) -> (tx: Digest, height: Int64) {
        let fee = try await node.estimateFee(payload)
        do throws(Problem) {
            return try await send(payload, fee: fee)
        } catch {
            guard error.code == .insufficientBalance else { throw error }
            throw await shortage(payload, fee: fee) ?? error
        }
    }

    /// A transaction that was signed, and what the node may have made of it.
    private struct Attempt {
        let transaction: Transaction
        let hash: Digest
        /// Whether the node has, or may have, taken it.
        var mayBeTaken = false
    }

    /// How often a transaction is signed anew: more than others' that get ahead of it while it looks for a free nonce.
    private static let maxAttempts = 256

    private func send(_ payload: Payload, fee: Int64) async throws(Problem) -> (tx: Digest, height: Int64) {
        let account = try await node.getBalance(key.address)
        guard account.balance >= cost(payload, fee: fee) else { throw Problem(.insufficientBalance, "too little to begin with") }
        var attempt = sign(payload, fee: fee, nonce: account.nextNonce)
        var attempts = 1
        return try await Poll.until("the transaction is in no block yet; look before you send it again: adit wallet balance \(key.address)") {
            () async throws(Problem) in
            if let state = try await node.getTx(attempt.hash) {
                attempt.mayBeTaken = true
                guard let height = state.height else { return nil }
                if let error = state.error { throw error }
                return (attempt.hash, height)
            }
            while true {
                // Also to a node that was killed and has forgotten what was in no block.
                guard let refusal = try await hand(in: &attempt) else { return nil }
                switch refusal.code {
                case .nonceTooLow:
                    // It may have come into a block meanwhile, from a message whose answer was lost. If it did not, another took its nonce.
                    if try await node.getTx(attempt.hash) != nil { return nil }
                case .replacementFeeTooLow, .nonceGap:
                    if attempt.mayBeTaken { return nil }
                default: throw refusal
                }
                guard attempts < Self.maxAttempts else { throw refusal }
                attempts += 1
                let free = try await node.getBalance(key.address).nextNonce
                let isTaken = refusal.code == .replacementFeeTooLow
                attempt = sign(payload, fee: fee, nonce: isTaken ? max(free, attempt.transaction.nonce + 1) : free)
            }
        }
    }

    /// Gives the node's refusal; nil where it took the transaction. Throws where it can't be known, or may change.
    private func hand(in attempt: inout Attempt) async throws(Problem) -> Problem? {
        do throws(Problem) {
            try await node.sendTx(attempt.transaction)
        } catch {
            guard error.isTransient || error.code == .canceled || error.code == .badAnswer else { return error }
            attempt.mayBeTaken = true
            throw error
        }
        attempt.mayBeTaken = true
        return nil
    }

    private func sign(_ payload: Payload, fee: Int64, nonce: Int64) -> Attempt {
        let transaction = Transaction.signed(by: key, chain: chain, nonce: nonce, fee: fee, payload: payload)
        return Attempt(transaction: transaction, hash: transaction.hash(on: chain))
    }

    /// What leaves the account; as much as can be counted where the sum can't.
    private func cost(_ payload: Payload, fee: Int64) -> Int64 {
        switch payload {
        case .transfer(let transfer): (try? Amount.add(transfer.amount, fee)) ?? .max
        case .stake(let amount): (try? Amount.add(amount, fee)) ?? .max
        case .unstake, .parameterUpdate: fee
        case .receiptClaim, .escrowRefund: 0
        }
    }

    /// What is needed and what is there, in AIT; nil where the node can't be asked.
    private func shortage(_ payload: Payload, fee: Int64) async -> Problem? {
        guard let held = try? await node.getBalance(key.address).balance else { return nil }
        let cost = cost(payload, fee: fee)
        let pending = held >= cost ? ", and other payments of this key are under way" : ""
        return Problem(
            .insufficientBalance, "\(key.address) holds \(Figures.ait(held))\(pending); this needs \(Figures.ait(cost)), with the fee of \(Figures.ait(fee))")
    }
}

/// Asking again until something has happened.
enum Poll {
    /// How often the node and the coordinator are asked.
    static let interval = Duration.milliseconds(200)

    /// How long something that takes a few blocks is waited for.
    static let patience = Duration.seconds(120)

    /// Asks until there is an answer. A lost connection or a busy service doesn't end the wait: money may be on its way.
    /// - Throws: what `ask` throws, unless asking again may help; `timeout` with `late` after `patience` (nil: never).
    static func until<Value>(
        _ late: String, patience: Duration? = Poll.patience, _ ask: () async throws(Problem) -> Value?
    ) async throws(Problem) -> Value {
        let deadline = patience.map { ContinuousClock.now + $0 }
        while true {
            do throws(Problem) {
                if let value = try await ask() { return value }
            } catch  where error.isTransient {}
            if let deadline, ContinuousClock.now > deadline { throw Problem(.timeout, late) }
            try await pause()
        }
    }

    /// Throws `canceled` when the program is being stopped.
    static func pause() async throws(Problem) {
        do { try await Task.sleep(for: interval) } catch { throw Problem(.canceled, "stopped") }
    }
}
