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
}
