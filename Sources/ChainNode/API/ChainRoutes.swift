import HTTPServing
import Hummingbird
import Ledger
import Signing
import Wire

/// The routes of PROTOCOL section 7 that anyone may ask.
struct ChainRoutes: Sendable {
    /// A transaction of at most `Transaction.maxBytes` with room for white space.
    static let bodyLimit = 65_536

    let node: ChainNode
    let registry: PrometheusRegistry

    func add(to routes: Routes) {
        BatchRoutes(node: node).add(to: routes)
        ProofRoutes(node: node).add(to: routes)
        routes.post("/rpc/sendTx") { request, _ in try await send(request, claimsOnly: false) }
        routes.post("/rpc/submitReceipt") { request, _ in try await send(request, claimsOnly: true) }
        routes.post("/rpc/estimateFee") { request, _ in try await estimateFee(request) }
        routes.get("/rpc/getTx/{hash}") { _, context in try await transaction(context.parameter("hash")) }
        routes.get("/rpc/getBlock/{block}") { request, context in
            try await block(context.parameter("block"), full: request.query("full") == "true")
        }
        routes.get("/rpc/getHead") { _, _ in
            let head = await node.snapshot().head
            return .json(["height": .integer(head.header.height), "hash": .string(head.hash.hex)])
        }
        routes.get("/rpc/getBalance/{address}") { _, context in try await balance(context.parameter("address")) }
        routes.get("/rpc/getReceipt/{id}") { _, context in try await receipt(context.parameter("id")) }
        routes.get("/rpc/getEscrow/{job}") { _, context in try await escrow(context.parameter("job")) }
        routes.get("/rpc/params") { _, _ in await parameters() }
        routes.get("/rpc/metrics") { _, _ in .text(registry.exposition(), type: PrometheusRegistry.contentType) }
        routes.get("/rpc/health") { _, _ in try await health() }
    }

    // MARK: Transactions

    private func send(_ request: Request, claimsOnly: Bool) async throws -> Response {
        let json = try await request.readJSON(limit: Self.bodyLimit)
        guard json.canonicalBytes.count <= Transaction.maxBytes else {
            throw Problem(.payloadTooLarge, "a transaction has at most \(Transaction.maxBytes) bytes")
        }
        let transaction = try Transaction(json)
        if claimsOnly, transaction.payload.type != "RECEIPT_CLAIM" {
            throw Problem(.unsupportedTransaction, "this route takes RECEIPT_CLAIM alone")
        }
        return .json(["txHash": .string(try await node.take(transaction).hex)])
    }

    private func estimateFee(_ request: Request) async throws -> Response {
        var fields = try JSONFields(try await request.readJSON(limit: Self.bodyLimit), "request")
        let payload = try Payload(type: fields.string("type", maxBytes: 64), fields.value("payload"))
        try fields.finish()
        return .json(["fee": .integer(try await node.snapshot().state.parameters.minimumFee(for: payload))])
    }

    private func transaction(_ text: String) async throws -> Response {
        guard let status = try await node.transaction(hash(text)) else { throw Problem(.notFound, "this node knows no such transaction") }
        return .json(status.json)
    }

    // MARK: Blocks and records

    private func block(_ text: String, full: Bool) async throws -> Response {
        let found: Block?
        if text.utf8.count == 64 {
            found = try await node.store.block(hash: hash(text))
        } else if let height = Int64(text), height >= 0, String(height) == text {
            found = try await node.store.block(height: height)
        } else {
            throw Problem(.badRequest, "a block is asked for by its height or its hash")
        }
        guard let block = found else { throw Problem(.notFound, "this node has no such block") }
        guard full, let object = block.json.objectValue else { return .json(block.json) }
        let bodies = try await node.store.transactions(height: block.header.height)
        return .json(.object(object.setting("bodies", to: .array(bodies.map(\.json)))))
    }

    private func balance(_ text: String) async throws -> Response {
        let (account, next) = await node.account(try Address(text))
        return .json([
            "balance": .integer(account.balance), "nonce": .integer(account.nonce), "staked": .integer(account.staked), "next_nonce": .integer(next),
        ])
    }

    private func receipt(_ text: String) async throws -> Response {
        guard let receipt = try await node.snapshot().state.receipt(ReceiptID(text)) else {
            throw Problem(.notFound, "no claim has settled this receipt")
        }
        return .json(receipt.json)
    }

    private func escrow(_ text: String) async throws -> Response {
        guard let escrow = try await node.snapshot().state.escrow(JobID(text)) else {
            throw Problem(.unknownEscrow, "no escrow was opened for this job")
        }
        return .json(escrow.json)
    }

    private func parameters() async -> Response {
        let parameters = await node.snapshot().state.parameters
        var document = parameters.json.objectValue ?? JSONObject(distinct: [])
        document = document.setting("chain_id", to: .string(node.chain.text))
        document = document.setting("genesis_hash", to: .string(node.genesisHash.hex))
        document = document.setting("genesis_timestamp", to: .integer(node.genesis.timestamp))
        document = document.setting("authorities", to: .array(parameters.authorities.map { .string($0.hex) }))
        document = document.setting("coordinators", to: .array(parameters.coordinators.map { .string($0.hex) }))
        return .json(.object(document.setting("admin", to: .string(parameters.admin.hex))))
    }

    private func health() async throws -> Response {
        let health = await node.health()
        guard health.isRecent else { throw Problem(.syncing, "the head is \(health.age) s old") }
        return .json(["status": "ok", "height": .integer(health.height), "chain_id": .string(node.chain.text)])
    }

    private func hash(_ text: String) throws(Problem) -> Digest {
        guard let digest = Digest(hex: text) else { throw Problem(.badHex, "a hash is 64 lower-case hex digits") }
        return digest
    }
}
