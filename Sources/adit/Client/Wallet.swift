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
        let hash = try await node.sendTx(transaction)
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            if let state = try await node.getTx(hash), let height = state.height {
                if let error = state.error { throw error }
                return (hash, height)
            }
            try await Poll.pause()
        }
        throw Problem(.timeout, "transaction \(hash) is still in no block after 120 s; ask again with: adit wallet balance")
    }
}

/// Asking again until something has happened.
enum Poll {
    /// How often the node and the coordinator are asked.
    static let interval = Duration.milliseconds(200)

    /// Throws `canceled` when the program is being stopped.
    static func pause() async throws(Problem) {
        do { try await Task.sleep(for: interval) } catch { throw Problem(.canceled, "stopped") }
    }
}
