import ChainClient
import Ledger
import Signing
import Wire

/// One key's account on a chain, through a node.
struct Wallet {
    let node: NodeClient
    let key: PrivateKey
    let chain: ChainID

    /// The keys that the chain lets sign for work.
    func coordinators() async throws(Problem) -> [PublicKey] {
        var fields = try JSONFields(try await node.params(), "params")
        return try fields.array("coordinators", maxCount: 1 << 16).compactMap { $0.stringValue.flatMap { PublicKey(hex: $0) } }
    }

    /// Signs and sends a transaction with the next nonce and waits until it is in a block.
    /// - Throws: what the ledger said where its effect failed; `timeout` after two minutes without a block.
    func send(_ payload: Payload) async throws(Problem) -> (tx: Digest, height: Int64) {
        let account = try await node.getBalance(key.address)
        let fee = try await node.estimateFee(payload)
        let transaction = Transaction.signed(by: key, chain: chain, nonce: account.nonce + 1, fee: fee, payload: payload)
        // The same transaction may be sent again: it can take effect only once.
        let hash = transaction.hash(on: chain)
        var refusals = 0
        let late = "transaction \(hash) is in no block yet; look again with: adit wallet balance"
        return try await Poll.until(late) { () async throws(Problem) in
            if let state = try await node.getTx(hash) {
                guard let height = state.height else { return nil }
                if let error = state.error { throw error }
                return (hash, height)
            }
            do throws(Problem) {
                // Also to a node that was killed and has forgotten what was in no block.
                try await node.sendTx(transaction)
            } catch {
                // Between the two questions it may have come into a block, from a message whose answer was lost: the next look tells.
                refusals += 1
                guard error.code == .nonceTooLow, refusals == 1 else { throw error }
            }
            return nil
        }
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
