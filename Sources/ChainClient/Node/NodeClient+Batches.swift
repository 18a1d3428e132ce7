package import Ledger
package import Wire

// Many questions in one round trip.
extension NodeClient {
    /// The most transactions in one `sendTxs`.
    package static let transactionsAtOnce = 128
    /// The most names in one call of the others.
    package static let namesAtOnce = 256

    /// Hands signed transactions to the mempool, in their order; each has an outcome of its own.
    ///
    /// - Parameter transactions: at most `transactionsAtOnce`.
    package func sendTxs(_ transactions: [Transaction]) async throws(Problem) -> [Result<Digest, Problem>] {
        let answer = try await api.json(.post, "/rpc/sendTxs", ["txs": .array(transactions.map(\.json))])
        return try Self.list(answer, "results", count: transactions.count) { (item) throws(Problem) in
            var fields = try JSONFields(item, "result")
            if fields.optional("txHash") != nil { return .success(try fields.digest("txHash")) }
            return .failure(try fields.brief())
        }
    }

    /// Where transactions stand; nil for those that the node doesn't know.
    package func getTxs(_ hashes: [Digest]) async throws(Problem) -> [TransactionState?] {
        let answer = try await api.json(.post, "/rpc/getTxs", ["hashes": .array(hashes.map { .string($0.hex) })])
        return try Self.list(answer, "txs", count: hashes.count) { (item) throws(Problem) in item == .null ? nil : try TransactionState(json: item) }
    }

    /// Jobs' escrows; nil where none was ever opened.
    package func getEscrows(_ jobs: [JobID]) async throws(Problem) -> [EscrowRecord?] {
        let answer = try await api.json(.post, "/rpc/getEscrows", ["jobs": .array(jobs.map { .string($0.text) })])
        return try Self.list(answer, "escrows", count: jobs.count) { (item) throws(Problem) in item == .null ? nil : try EscrowRecord(json: item) }
    }

    /// The heights of the blocks with receipts' claims; nil while there are none.
    package func getReceiptHeights(_ receipts: [ReceiptID]) async throws(Problem) -> [Int64?] {
        let answer = try await api.json(.post, "/rpc/getReceiptHeights", ["receipts": .array(receipts.map { .string($0.text) })])
        return try Self.list(answer, "heights", count: receipts.count) { (item) throws(Problem) in
            if item == .null { return nil }
            guard let height = item.integerValue else { throw Problem(.wrongType, "a height is an integer") }
            return height
        }
    }

    /// One answer for each question; anything else is the node's fault.
    private static func list<Value>(
        _ answer: JSON, _ member: String, count: Int, _ read: (JSON) throws(Problem) -> Value
    ) throws(Problem) -> [Value] {
        try Problem.reading(member) { () throws(Problem) in
            var fields = try JSONFields(answer, "answer")
            let items = try fields.array(member, maxCount: count)
            guard items.count == count else { throw Problem(.outOfRange, "\(items.count) answers to \(count) questions") }
            var values: [Value] = []
            for item in items { values.append(try read(item)) }
            return values
        }
    }
}
