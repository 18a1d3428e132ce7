import HTTPServing
import Hummingbird
import Ledger
import Wire

/// Routes that ask the same of many: one round trip for a miner's claims of a second, or a coordinator's open escrows.
///
/// Each item has an answer of its own, in the order of the questions; one that is refused doesn't hold up the others.
struct BatchRoutes: Sendable {
    /// Transactions in one call: about 1.7 KiB each where they are claims.
    static let transactions = 128
    /// Names in one call of the other routes.
    static let names = 256
    static let bodyLimit = 1 << 20

    let node: ChainNode

    func add(to routes: Routes) {
        routes.post("/rpc/sendTxs") { request, _ in try await send(request) }
        routes.post("/rpc/getTxs") { request, _ in
            let hashes = try await names(request, "hashes").map { (text) throws(Problem) in
                guard let hash = Digest(hex: text) else { throw Problem(.badHex, "a hash is 64 lower-case hex digits") }
                return hash
            }
            return .json(["txs": .array(try await node.standings(of: hashes).map { $0?.json ?? .null })])
        }
        routes.post("/rpc/getEscrows") { request, _ in
            let jobs = try await names(request, "jobs").map { (text) throws(Problem) in try JobID(text) }
            let state = await node.snapshot().state
            return .json(["escrows": .array(jobs.map { state.escrow($0)?.json ?? .null })])
        }
        routes.post("/rpc/getReceiptHeights") { request, _ in
            let receipts = try await names(request, "receipts").map { (text) throws(Problem) in try ReceiptID(text) }
            let state = await node.snapshot().state
            return .json(["heights": .array(receipts.map { state.receipt($0).map { .integer($0.height) } ?? .null })])
        }
    }

    /// Every transaction is read before the first one is taken: a body that makes no sense changes nothing.
    private func send(_ request: Request) async throws -> Response {
        var fields = try JSONFields(try await request.readJSON(limit: Self.bodyLimit), "request")
        let bodies = try fields.array("txs", maxCount: Self.transactions)
        try fields.finish()
        var transactions: [Transaction] = []
        for body in bodies {
            guard body.canonicalBytes.count <= Transaction.maxBytes else {
                throw Problem(.payloadTooLarge, "a transaction has at most \(Transaction.maxBytes) bytes")
            }
            transactions.append(try Transaction(body))
        }
        let outcomes = await node.take(transactions)
        return .json([
            "results": .array(
                outcomes.map { outcome in
                    switch outcome {
                    case .success(let hash): ["txHash": .string(hash.hex)]
                    case .failure(let problem): problem.brief
                    }
                })
        ])
    }

    private func names(_ request: Request, _ member: String) async throws -> [String] {
        var fields = try JSONFields(try await request.readJSON(limit: Self.bodyLimit), "request")
        let names = try fields.array(member, maxCount: Self.names)
        try fields.finish()
        return try names.map { (name) throws(Problem) in
            guard case .string(let text) = name else { throw Problem(.wrongType, "\"\(member)\" holds strings") }
            return text
        }
    }
}
