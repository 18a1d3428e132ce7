import ChainClient
import ChainNode
import Ledger
import Signing
import Testing
import Wire

/// The product's own client reads what the node writes.
struct NodeClientTests {
    @Test func everyCallUnderstandsTheAnswer() async throws {
        let chain = try TestChain()
        let folder = try TemporaryFolder()
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let client = NodeClient(try BaseURL("http://127.0.0.1:\(node.ports.rpc)"), http: node.http)
            try await client.health()
            let quote = try chain.quote()
            let deposit = try chain.transfer(quote.price, to: .escrow, nonce: 1, quote: quote)
            #expect(try await client.estimateFee(deposit.payload) == 10)
            let payment = try await client.sendTx(deposit)
            #expect(try await client.getTx(payment)?.status == .pending)
            #expect(try await client.getTx(.zero) == nil)
            #expect(try await client.getEscrow(quote.jobID) == nil)
            await node.block()
            let confirmed = try #require(try await client.getTx(payment))
            #expect(confirmed.status == .confirmed && confirmed.height == 1 && confirmed.error == nil)
            #expect(try await client.getEscrow(quote.jobID)?.status == .open)
            let claim = try chain.claim(quote, payment: payment)
            guard case .receiptClaim(let content) = claim.payload else { throw Problem(.internalError, "not a claim") }
            #expect(try await client.getReceipt(content.terms.receiptID) == nil)
            try await client.submitReceipt(claim)
            await node.block()
            let receipt = try #require(try await client.getReceipt(content.terms.receiptID))
            #expect(receipt.claim == content && receipt.height == 2)
            #expect(try await client.getEscrow(quote.jobID)?.claimed == [0])
            let balance = try await client.getBalance(chain.miner.address)
            #expect(balance.balance == 7990 && balance.nonce == 1 && balance.staked == 0)
            let head = try await client.getHead()
            #expect(head.height == 2)
            let block = try #require(try await client.getBlock(height: 2, full: true))
            #expect(block.hash == head.hash && block.transactionCount == 1)
            #expect(try await client.getBlock(hash: head.hash)?.height == 2)
            #expect(try await client.getBlock(height: 3) == nil)
            #expect(try await client.params()["chain_id"] == "ait-test-n")
            #expect(try await client.metrics().contains("adit_chain_height 2"))
            #expect(try await client.mintFaucet(chain.client.address, amount: 1, adminToken: TestChain.token) != nil)
            await #expect { try await client.sendTx(deposit) } throws: { ($0 as? Problem)?.code == .nonceTooLow }
        }
    }

    @Test func manyAreAskedForInOneCall() async throws {
        let chain = try TestChain()
        let folder = try TemporaryFolder()
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let client = NodeClient(try BaseURL("http://127.0.0.1:\(node.ports.rpc)"), http: node.http)
            let (first, second) = (try chain.transfer(5, to: chain.miner.address, nonce: 1), try chain.transfer(6, to: chain.miner.address, nonce: 2))
            let gap = try chain.transfer(7, to: chain.miner.address, nonce: 9)
            let outcomes = try await client.sendTxs([first, gap, second])
            #expect(outcomes.map { (try? $0.get()) != nil } == [true, false, true])
            guard case .failure(let problem) = outcomes[1] else { throw Problem(.internalError, "taken") }
            #expect(problem.code == .nonceGap)
            let hash = try outcomes[0].get()
            #expect(try await client.getTxs([hash, .zero]).map { $0?.status } == [.pending, nil])
            await node.block()
            #expect(try await client.getTxs([hash]).first??.height == 1)

            let quote = try chain.quote()
            let payment = try await client.sendTx(chain.transfer(quote.price, to: .escrow, nonce: 3, quote: quote))
            await node.block()
            #expect(try await client.getEscrows([quote.jobID, try JobID("job_" + String(repeating: "0", count: 32))]).map { $0?.status } == [.open, nil])
            let claim = try chain.claim(quote, payment: payment)
            guard case .receiptClaim(let content) = claim.payload else { throw Problem(.internalError, "not a claim") }
            #expect(try await client.getReceiptHeights([content.terms.receiptID]) == [nil])
            _ = try await client.sendTxs([claim]).first?.get()
            await node.block()
            #expect(try await client.getReceiptHeights([content.terms.receiptID]) == [3])
            await #expect { try await client.sendTxs(Array(repeating: first, count: 129)) } throws: { ($0 as? Problem)?.code == .outOfRange }
            await #expect { try await client.getTxs(Array(repeating: .zero, count: 257)) } throws: { ($0 as? Problem)?.code == .outOfRange }
        }
    }
}
