import ChainClient
import ChainNode
import HTTPServing
import Ledger
import Signing
import Testing
import Wire

/// What waits for a block over a restart, and for how long.
struct MempoolRestartTests {
    let chain: TestChain
    let folder: TemporaryFolder

    init() throws {
        chain = try TestChain()
        folder = try TemporaryFolder()
    }

    private func pending(_ node: RunningNode, _ transaction: Transaction) async throws -> Bool {
        let answer = try await node.send(.get, "/rpc/getTx/\(transaction.hash(on: chain.chain))")
        return answer.status == 200 ? try JSON.parse(answer.body)["status"] == "pending" : false
    }

    @Test func whatWaitsIsTakenBackAtTheNextStart() async throws {
        let transactions = try (1...5).map { try chain.transfer(10, to: chain.miner.address, nonce: Int64($0), fee: Int64(20 - $0)) }
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            for transaction in transactions { try await node.submit(transaction) }
        }
        // The file in other hands: a row that is torn, one that is no transaction, one whose signature is another's.
        do {
            let file = try TamperedFile(folder.database)
            let forged = Transaction(
                sender: chain.admin.address, nonce: 1, fee: 10, payload: transactions[0].payload, publicKey: chain.admin.publicKey,
                signature: transactions[0].signature)
            try file.run("INSERT INTO waiting (entered, body) VALUES (1, '{\"type\":\"TRAN'), (2, '{}'), (3, '\(forged.json.canonicalString)')")
        }
        try await RunningNode.run(chain, at: folder.database) { node async throws in
            // They come back a few at a time, beside the answers.
            let deadline = ContinuousClock.now + .seconds(60)
            while try await !pending(node, transactions[4]), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(10)) }
            for transaction in transactions { #expect(try await pending(node, transaction)) }
            await node.block()
            #expect(try await node.balance(chain.miner.address) == 50)
            #expect(try await node.balance(chain.admin.address) == 5_000_000)
        }
        try await RunningNode.run(chain, at: folder.database, now: TestChain.start + 2) { node async throws in
            await node.block()
            #expect(try await node.get("/rpc/getBlock/2")["tx_count"] == 0)
        }
    }

    @Test func timeThatPassedCounts() async throws {
        let transaction = try chain.transfer(10, to: chain.miner.address, nonce: 1)
        func open(_ now: Int64) async throws -> (ChainNode, ManualClock) {
            let clock = ManualClock(now)
            let store = try await SQLiteChainStore.reopened(folder.database)
            let limits = MempoolLimits(age: 100)
            return (
                try await ChainNode.open(store: store, genesis: chain.genesis, clock: clock, registry: PrometheusRegistry(), mempool: limits), clock
            )
        }
        do {
            let (node, clock) = try await open(TestChain.start)
            _ = try await node.submit(transaction)
            clock.set(TestChain.start + 60)
            #expect(await node.pending(transaction.hash(on: chain.chain)) != nil)
            #expect(try await node.saveMempool() == 1)
        }
        do {
            let (node, clock) = try await open(TestChain.start + 90)
            #expect(try await node.saveMempool() == 1, "what was not looked at yet is kept for the next start too")
            while await node.restoreSome() != nil {}
            #expect(await node.pending(transaction.hash(on: chain.chain)) != nil)
            // No block comes: the node's clock alone lets it go, counted from when it first came.
            clock.set(TestChain.start + 110)
            #expect(await node.pending(transaction.hash(on: chain.chain)) == nil)
            #expect(try await node.saveMempool() == 0)
        }
    }
}
