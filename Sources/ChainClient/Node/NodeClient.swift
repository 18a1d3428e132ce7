package import Ledger
package import Signing
package import Wire

/// A chain node's HTTP API (PROTOCOL section 7).
///
/// Every call throws the node's own problem, or `transport_failed`, `timeout`, `canceled`, `bad_answer`. Unknown members of answers are ignored.
package struct NodeClient: Sendable {
    let api: ServiceAPI

    package init(_ base: BaseURL, http: HTTPClient) { api = ServiceAPI(http: http, base: base) }

    package var url: String { api.base.description }

    // MARK: transactions

    /// Hands a signed transaction to the mempool; the answer is its hash.
    @discardableResult package func sendTx(_ transaction: Transaction) async throws(Problem) -> Digest {
        try await submit("/rpc/sendTx", transaction)
    }

    /// The same for a RECEIPT_CLAIM alone.
    @discardableResult package func submitReceipt(_ transaction: Transaction) async throws(Problem) -> Digest {
        try await submit("/rpc/submitReceipt", transaction)
    }

    private func submit(_ path: String, _ transaction: Transaction) async throws(Problem) -> Digest {
        let answer = try await api.json(.post, path, transaction.json)
        return try Problem.reading("txHash") { () throws(Problem) in
            var fields = try JSONFields(answer, "answer")
            return try fields.digest("txHash")
        }
    }

    /// Where a transaction stands; nil if the node doesn't know it.
    package func getTx(_ hash: Digest) async throws(Problem) -> TransactionState? {
        guard let answer = try await found("/rpc/getTx/\(hash.hex)") else { return nil }
        return try Problem.reading("getTx") { () throws(Problem) in try TransactionState(json: answer) }
    }

    /// The smallest fee that the node would take for this payload.
    package func estimateFee(_ payload: Payload) async throws(Problem) -> Int64 {
        let answer = try await api.json(.post, "/rpc/estimateFee", ["type": .string(payload.type), "payload": payload.json])
        return try Problem.reading("estimateFee") { () throws(Problem) in
            var fields = try JSONFields(answer, "answer")
            return try fields.integer("fee")
        }
    }

    // MARK: chain and state

    package func getHead() async throws(Problem) -> ChainHead {
        let answer = try await api.json(.get, "/rpc/getHead")
        return try Problem.reading("getHead") { () throws(Problem) in
            var fields = try JSONFields(answer, "head")
            return ChainHead(height: try fields.integer("height"), hash: try fields.digest("hash"))
        }
    }

    /// A block by height, as the node writes it; nil above the head. `full` asks for the transactions' bodies.
    package func getBlock(height: Int64, full: Bool = false) async throws(Problem) -> BlockRecord? {
        try await block("/rpc/getBlock/\(height)", full)
    }

    package func getBlock(hash: Digest, full: Bool = false) async throws(Problem) -> BlockRecord? { try await block("/rpc/getBlock/\(hash.hex)", full) }

    private func block(_ path: String, _ full: Bool) async throws(Problem) -> BlockRecord? {
        guard let answer = try await found(path, query: full ? "?full=true" : "", limits: HTTPLimits(answerBytes: 64 << 20)) else { return nil }
        return try Problem.reading("getBlock") { () throws(Problem) in try BlockRecord(json: answer) }
    }

    /// Zeros for an address that the chain has not seen.
    package func getBalance(_ address: Address) async throws(Problem) -> BalanceRecord {
        let answer = try await api.json(.get, "/rpc/getBalance/\(address.text)")
        return try Problem.reading("getBalance") { () throws(Problem) in
            var fields = try JSONFields(answer, "balance")
            let (balance, nonce, staked) = (try fields.integer("balance"), try fields.integer("nonce"), try fields.integer("staked"))
            // A node that doesn't tell what waits is asked to look at the blocks alone.
            let next = try Amount.add(nonce, 1)
            return BalanceRecord(
                balance: balance, nonce: nonce, staked: staked, nextNonce: max(next, fields.present("next_nonce")?.integerValue ?? next))
        }
    }

    /// A settled receipt; nil while it isn't in a block.
    package func getReceipt(_ id: ReceiptID) async throws(Problem) -> ReceiptRecord? {
        guard let answer = try await found("/rpc/getReceipt/\(id.text)") else { return nil }
        return try Problem.reading("getReceipt") { () throws(Problem) in try ReceiptRecord(json: answer) }
    }

    /// A job's escrow; nil where none was ever opened.
    package func getEscrow(_ job: JobID) async throws(Problem) -> EscrowRecord? {
        guard let answer = try await found("/rpc/getEscrow/\(job.text)") else { return nil }
        return try Problem.reading("getEscrow") { () throws(Problem) in try EscrowRecord(json: answer) }
    }

    /// The chain's parameters as the node writes them.
    package func params() async throws(Problem) -> JSON { try await api.json(.get, "/rpc/params") }

    // MARK: the node itself

    /// Returns if the node is up and in step; throws `syncing` or `unavailable` otherwise.
    package func health() async throws(Problem) { _ = try await api.send(.get, "/rpc/health") }

    /// Prometheus text.
    package func metrics() async throws(Problem) -> String { String(decoding: try await api.send(.get, "/rpc/metrics").body, as: UTF8.self) }

    /// Pays out of the admin's account, on nodes where a token is configured; gives the transaction's hash where the node tells it.
    @discardableResult package func mintFaucet(_ address: Address, amount: Int64, adminToken: String) async throws(Problem) -> Digest? {
        let answer = try await api.json(
            .post, "/admin/mintFaucet", ["address": .string(address.text), "amount": .integer(amount)], headers: [("Authorization", "Bearer \(adminToken)")])
        return answer["txHash"]?.stringValue.flatMap { Digest(hex: $0) }
    }

    /// nil for 404.
    private func found(_ path: String, query: String = "", limits: HTTPLimits = .standard) async throws(Problem) -> JSON? {
        let response = try await api.http.send(HTTPRequest(.get, api.base, path: path, query: query, limits: limits))
        return response.status == 404 ? nil : try response.json()
    }
}
