import ChainClient
import ChainNode
import Ledger
import Signing
import Testing
import Wire

/// Escrows by coordinator, proofs, and the light client, over real sockets.
struct StateRouteTests {
    let chain: TestChain
    let folder: TemporaryFolder

    init() throws {
        chain = try TestChain()
        folder = try TemporaryFolder()
    }

    private func client(_ node: RunningNode) throws -> NodeClient { NodeClient(try BaseURL("http://127.0.0.1:\(node.ports.rpc)"), http: node.http) }

    /// All pages, two to each.
    private func all(_ client: NodeClient, _ coordinator: PublicKey, _ status: Escrow.Status? = nil) async throws -> [EscrowRecord] {
        var escrows: [EscrowRecord] = []
        var after: JobID?
        repeat {
            let page = try await client.escrows(status: status, coordinator: coordinator, after: after, limit: 2)
            escrows += page.escrows
            after = page.next
        } while after != nil
        return escrows
    }

    private func expectRefusal(_ code: Problem.Code, _ body: () async throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) async {
        await #expect(sourceLocation: sourceLocation) { try await body() } throws: { ($0 as? Problem)?.code == code }
    }

    @Test func aCoordinatorFindsItsOpenEscrowsPageByPage() async throws {
        let quotes = try (0..<7).map { try chain.quote(salt: $0) }
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let client = try client(node)
            for (index, quote) in quotes.enumerated() {
                try await client.sendTx(chain.transfer(quote.price, to: .escrow, nonce: Int64(index) + 1, quote: quote))
            }
            await node.block()
            let first = try await client.escrows(coordinator: chain.coordinator.publicKey, limit: 3)
            #expect(first.escrows.map(\.jobID) == quotes.map(\.jobID).sorted().prefix(3).map(\.self))
            #expect(first.next == first.escrows.last?.jobID && first.escrows.allSatisfy { $0.status == .open && $0.client == chain.client.address })
            #expect(try await all(client, chain.coordinator.publicKey).map(\.jobID) == quotes.map(\.jobID).sorted())
            // One is settled, one closes.
            let payment = try #require(try await client.getEscrow(quotes[0].jobID)).payment
            try await client.sendTx(chain.claim(quotes[0], payment: payment))
            let refund = Payload.escrowRefund(quotes[1].jobID)
            try await client.sendTx(.signed(by: chain.coordinator, chain: chain.chain, nonce: 1, fee: 10, payload: refund))
            await node.block()
            #expect(try await client.getEscrow(quotes[1].jobID)?.closingAt == 32)
        }
        // After a restart too: the index is the store's.
        try await RunningNode.run(chain, at: folder.database, now: TestChain.start + 4) { node async throws in
            let client = try client(node)
            let key = chain.coordinator.publicKey
            #expect(try await all(client, key, .open).map(\.jobID) == quotes.dropFirst(2).map(\.jobID).sorted())
            #expect(try await client.escrows(status: .closing, coordinator: key).escrows.map(\.jobID) == [quotes[1].jobID])
            #expect(try await all(client, key).count == 6)
            #expect(try await all(client, chain.miner.publicKey).isEmpty)
            for (query, code) in [
                ("", .missingField), ("?coordinator=00", .badPublicKey), ("?coordinator=\(key.hex)&status=settled", .outOfRange),
                ("?coordinator=\(key.hex)&limit=0", .outOfRange), ("?coordinator=\(key.hex)&limit=257", .outOfRange),
                ("?coordinator=\(key.hex)&after=job_1", .badHex),
            ] as [(String, Problem.Code)] {
                try node.expectRefusal(try await node.send(.get, "/rpc/escrows", query: query), code)
            }
        }
    }

    @Test func theLightClientChecksWhatTheNodeSays() async throws {
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            let client = try client(node)
            var light = try LightClient(genesis: chain.genesis, node: client) { [clock = node.clock] in clock.now() }
            let miner = RecordKey(.account, chain.miner.address.text)
            #expect(try await light.record(miner) == nil)
            try await client.sendTx(chain.transfer(5000, to: chain.miner.address, nonce: 1))
            for _ in 1...3 { await node.block() }
            #expect(try await light.record(miner) == .account(Account(address: chain.miner.address, balance: 5000)))
            #expect(light.chain.head.height == 3)
            #expect(try await light.record(RecordKey(.param, "base_fee")) == .parameter(10))
            #expect(try await light.record(RecordKey(.meta, "minted")) == .meta(0))
            #expect(try await light.record(RecordKey(.escrow, "job_00000000000000000000000000000000")) == nil)
            // A client of another genesis believes nothing of this.
            let other = try TestChain(clientBalance: 2_000_000)
            var foreign = try LightClient(genesis: other.genesis, node: client) { [clock = node.clock] in clock.now() }
            await expectRefusal(.wrongParent) { _ = try await foreign.record(miner) }
            // One whose clock stands still does not take blocks from its future.
            var slow = try LightClient(genesis: chain.genesis, node: client) { TestChain.start }
            await expectRefusal(.badTimestamp) { _ = try await slow.record(miner) }
            try node.expectRefusal(try await node.send(.get, "/rpc/proof/coin/x"), .badRequest)
        }
    }

    @Test func attestIsADevnetsAndAdmitsNothing() async throws {
        let quote = try chain.quote()
        try await RunningNode.run(chain, at: folder.database, change: { $0.isDevnet = true }) { node async throws in
            let client = try client(node)
            let payment = try await client.sendTx(chain.transfer(quote.price, to: .escrow, nonce: 1, quote: quote))
            guard case .receiptClaim(let claim) = try chain.claim(quote, payment: payment).payload else { throw Problem(.internalError, "not a claim") }
            #expect(try await client.attest(claim)?.code == .unknownEscrow)
            await node.block()
            #expect(try await client.attest(claim) == nil)
            guard case .receiptClaim(let wrong) = try chain.claim(quote, payment: .zero).payload else { throw Problem(.internalError, "not a claim") }
            #expect(try await client.attest(wrong)?.code == .paymentMismatch)
            await node.block()
            #expect(try await client.getEscrow(quote.jobID)?.status == .open, "asking settles nothing")
            try node.expectRefusal(try await node.send(.post, "/rpc/attest", body: Array("{}".utf8)), .missingField)
        }
        try await RunningNode.run(chain, at: folder.database, now: TestChain.start + 4) { node async throws in
            try node.expectRefusal(try await node.send(.post, "/rpc/attest", body: Array("{}".utf8)), .forbidden)
        }
    }
}
