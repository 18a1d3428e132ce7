import ChainClient
import ChainNode
import HTTPServing
import Ledger
import Signing
import Testing
import Wire

/// What a node answers when all is well: blocks, transactions, records, health, metrics.
struct NodeAPITests {
    let chain: TestChain
    let folder: TemporaryFolder

    init() throws {
        chain = try TestChain()
        folder = try TemporaryFolder()
    }

    @Test func aTransferIsPendingThenConfirmed() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let transfer = try chain.transfer(1000, to: chain.miner.address, nonce: 1, memo: "hello")
            let hash = try await node.submit(transfer)
            #expect(try await node.submit(transfer) == hash, "the same transaction is welcome again")
            let pending = try await node.get("/rpc/getTx/\(hash)")
            #expect(pending["status"] == "pending")
            #expect(pending["tx"] == transfer.json)
            #expect(pending["height"] == nil)
            await node.block()
            let confirmed = try await node.get("/rpc/getTx/\(hash)")
            #expect(confirmed["status"] == "confirmed")
            #expect(confirmed["height"] == 1)
            #expect(confirmed["tx"] == transfer.json)
            #expect(try await node.balance(chain.miner.address) == 1000)
            #expect(try await node.balance(chain.client.address) == 1_000_000 - 1010)
            #expect(try await node.balance(chain.authority.address) == 10, "the fee goes to the proposer")
        }
    }

    @Test func aFailedTransactionIsChargedAndSaysWhy() async throws {
        let poor = try TestChain(clientBalance: 1000)
        try await RunningNode.run(poor, at: folder.database) { node async throws in
            let first = try poor.transfer(800, to: poor.miner.address, nonce: 1)
            let second = try poor.transfer(800, to: poor.miner.address, nonce: 2)
            try await node.submit(first)
            let hash = try await node.submit(second)
            await node.block()
            let failed = try await node.get("/rpc/getTx/\(hash)")
            #expect(failed["status"] == "failed")
            #expect(failed["error"] == "insufficient_balance")
            #expect(failed["height"] == 1)
            #expect(try await node.balance(poor.client.address) == 1000 - 800 - 20)
            #expect(try await node.get("/rpc/getBalance/\(poor.client.address)")["nonce"] == 2)
        }
    }

    @Test func emptyBlocksComeInEverySlot() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            for height in 1...5 {
                await node.block()
                #expect(try await node.height() == Int64(height))
            }
            let block = try await node.get("/rpc/getBlock/5")
            #expect(block["tx_count"] == 0)
            #expect(block["timestamp"]?.integerValue == TestChain.start + 5 * TestChain.interval)
        }
    }

    @Test func aLateNodeMakesOneBlockForTheSlotsItMissed() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            await node.clock.advance(by: 100 * TestChain.interval)
            #expect(try await node.height() == 1)
            await node.block()
            #expect(try await node.height() == 2)
        }
    }

    @Test func blocksAreFoundByHeightAndHashWithTheirBodies() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let transfers = try [chain.transfer(1, to: chain.miner.address, nonce: 1), chain.transfer(2, to: chain.miner.address, nonce: 2)]
            for transfer in transfers { try await node.submit(transfer) }
            await node.block()
            let byHeight = try await node.get("/rpc/getBlock/1")
            let block = try Block(byHeight, chain: chain.chain)
            #expect(block.header.proposer == chain.authority.address)
            #expect(block.transactions == transfers.map { $0.hash(on: chain.chain) })
            let signature = try #require(block.signature)
            #expect(chain.authority.publicKey.verifies(signature, of: block.hash))
            #expect(byHeight["bodies"] == nil)
            #expect(try await node.get("/rpc/getBlock/\(block.hash)") == byHeight)
            let full = try await node.get("/rpc/getBlock/1", query: "?full=true")
            #expect(full["bodies"] == .array(transfers.map(\.json)))
            let genesis = try await node.get("/rpc/getBlock/0")
            let first = try chain.genesis.block()
            #expect(genesis["hash"]?.stringValue == first.hash.hex)
            #expect(try await node.get("/rpc/getHead") == ["height": 1, "hash": .string(block.hash.hex)])
        }
    }

    @Test func aClaimSettlesAndKeepsItsReceipt() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let quote = try chain.quote()
            let deposit = try chain.transfer(quote.price, to: .escrow, nonce: 1, quote: quote)
            try await node.submit(deposit)
            await node.block()
            let escrow = try await node.get("/rpc/getEscrow/\(quote.jobID)")
            #expect(escrow["status"] == "open")
            #expect(escrow["payment_tx"]?.stringValue == deposit.hash(on: chain.chain).hex)
            let claim = try chain.claim(quote, payment: deposit.hash(on: chain.chain))
            let hash = try await node.submit(claim, to: "/rpc/submitReceipt")
            await node.block()
            let settled = try await node.get("/rpc/getTx/\(hash)")
            #expect(settled["status"] == "confirmed")
            #expect(settled["receipt"]?["height"] == 2)
            let id = try #require(settled["receipt"]?["receipt_id"]?.stringValue)
            #expect(try await node.get("/rpc/getReceipt/\(id)") == settled["receipt"])
            #expect(try await node.get("/rpc/getEscrow/\(quote.jobID)")["status"] == "settled")
            #expect(try await node.balance(chain.miner.address) == 1000 + 7000 - 10)
            try node.expectRefusal(try await node.send(.post, "/rpc/submitReceipt", body: claim.json.canonicalBytes), .nonceTooLow)
            let transfer = try chain.transfer(1, to: chain.miner.address, nonce: 2)
            try node.expectRefusal(
                try await node.send(.post, "/rpc/submitReceipt", body: transfer.json.canonicalBytes), .unsupportedTransaction)
        }
    }

    @Test func recordsParametersAndFees() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let stranger = try PrivateKey(seed: [UInt8](repeating: 9, count: 32)).address
            #expect(try await node.get("/rpc/getBalance/\(stranger)") == ["balance": 0, "nonce": 0, "staked": 0, "next_nonce": 1])
            let parameters = try await node.get("/rpc/params")
            #expect(parameters["mint_per_unit"] == 1000)
            #expect(parameters["chain_id"] == "ait-test-n")
            #expect(parameters["authorities"] == [.string(chain.authority.publicKey.hex)])
            let question: JSON = ["type": "TRANSFER", "payload": ["to": .string(stranger.text), "amount": 5]]
            let fee = try await node.send(.post, "/rpc/estimateFee", body: question.canonicalBytes)
            #expect(try JSON.parse(fee.body) == ["fee": 10])
            let peers = try await node.get("/p2p/peers", p2p: true)
            #expect(peers["peers"] == [])
            #expect(peers["id"]?.stringValue?.utf8.count == 32)
        }
    }

    @Test func healthFollowsTheHeadsAge() async throws {
        try await RunningNode.run(chain, at: folder.database, change: { $0.proposer = nil }) { node async throws in
            #expect(try await node.get("/rpc/health")["status"] == "ok")
        }
        try await RunningNode.run(chain, at: folder.database, now: TestChain.start + 11, change: { $0.proposer = nil }) { node async throws in
            try node.expectRefusal(try await node.send(.get, "/rpc/health"), .syncing)
        }
    }

    @Test func metricsAreTextWithoutAddresses() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            try await node.submit(try chain.transfer(1, to: chain.miner.address, nonce: 1))
            await node.block()
            _ = try await node.get("/rpc/getBalance/\(chain.miner.address)")
            _ = try await node.send(.get, "/no/such/path")
            let answer = try await node.send(.get, "/rpc/metrics")
            #expect(answer.head["content-type"] == PrometheusRegistry.contentType)
            let text = String(decoding: answer.body, as: UTF8.self)
            for line in [
                "adit_chain_height 1", "adit_mempool_transactions 0", "adit_peers 0", "adit_transactions_total{status=\"confirmed\",type=\"TRANSFER\"} 1",
                "adit_http_requests_total{method=\"GET\",route=\"/rpc/getBalance/{address}\",status=\"200\"} 1",
                "adit_http_requests_total{method=\"GET\",route=\"unknown\",status=\"404\"} 1", "adit_block_seconds_count 1",
                "# TYPE adit_block_seconds histogram", "adit_metrics_refused_total 0",
            ] {
                #expect(text.split(separator: "\n").contains { $0 == line }, "\(line) in\n\(text)")
            }
            #expect(!text.contains("ait1"))
        }
    }

    @Test func theFaucetPaysFromTheAdminsAccount() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let body = (["address": .string(chain.miner.address.text), "amount": 4000] as JSON).canonicalBytes
            let path = "/admin/mintFaucet"
            try node.expectRefusal(try await node.send(.post, path, body: body), .unauthorized)
            for wrong in ["Bearer ", "Bearer \(TestChain.token)0", "Basic \(TestChain.token)", "Bearer " + String(repeating: "x", count: 32)] {
                try node.expectRefusal(try await node.send(.post, path, body: body, headers: [("authorization", wrong)]), .unauthorized)
            }
            let right = [(name: "authorization", value: "Bearer \(TestChain.token)")]
            for _ in 1...2 { #expect(try await node.send(.post, path, body: body, headers: right).status == 200) }
            await node.block()
            #expect(try await node.balance(chain.miner.address) == 8000)
            #expect(try await node.balance(chain.admin.address) == 5_000_000 - 8020)
            let zero = (["address": .string(chain.miner.address.text), "amount": 0] as JSON).canonicalBytes
            try node.expectRefusal(try await node.send(.post, path, body: zero, headers: right), .outOfRange)
        }
        try await RunningNode.run(chain, at: folder.database, change: { $0.adminToken = nil }) { node async throws in
            let right = [(name: "authorization", value: "Bearer \(TestChain.token)")]
            try node.expectRefusal(try await node.send(.post, "/admin/mintFaucet", body: [], headers: right), .forbidden)
        }
    }
}
