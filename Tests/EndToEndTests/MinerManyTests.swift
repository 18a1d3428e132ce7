import ChainClient
import Foundation
import HTTPServing
import Jobs
import Ledger
import MinerNode
import Signing
import Testing
import Wire

@Suite("A miner with many small jobs", .serialized) struct MinerManyTests {
    private func expected(_ quotes: [Quote]) -> Int64 { quotes.reduce(0) { $0 + $1.price + $1.computeUnits * 1_000 - 10 } }

    /// Polls a condition for up to two minutes.
    private func until(_ what: Comment, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("not reached: \(what)")
    }

    @Test("All are paid once, each with its whole story") func all() async throws {
        try await MinerWorld.run { world in
            let configuration = try world.configuration()
            let quotes = try await world.orderMany(120)
            let begin = ContinuousClock.now
            let miner = TestMiner(configuration)
            for _ in quotes { try await miner.wait(.receiptConfirmed) }
            let took = ContinuousClock.now - begin
            await miner.stop()
            #expect(try await world.earned() == expected(quotes))
            #expect(!miner.seen.contains(.taskFailed) && !miner.seen.contains(.resultRejected))
            let store = try OutboxStore(path: "\(configuration.dataDirectory)/miner.db")
            #expect(try store.counts() == ["paid": quotes.count])
            for entry in try store.history(limit: 1_000) {
                let times = Timeline.Step.allCases.map { entry.timeline[$0] ?? -1 }
                #expect(times == times.sorted() && !times.contains(-1), "\(times)")
            }
            // One lease each: none was given twice, none ran out.
            for quote in quotes { #expect(try await world.status(quote).attempts == 1) }
            print("120 small jobs from lease to block in \(took)")
        }
    }

    @Test("Killed with several claims in flight, it goes on, and each is paid once") func killedWithClaims() async throws {
        try await MinerWorld.run { world in
            let configuration = try world.configuration()
            let quotes = try await world.orderMany(40)
            var kills = 0
            for step in [MinerEvent.Name.taskAssigned, .taskCompleted, .resultAttested, .claimSent] {
                let miner = TestMiner(configuration)
                do { try await miner.wait(step) } catch { break }
                await miner.kill()
                kills += 1
            }
            #expect(kills >= 2)
            let last = TestMiner(configuration)
            try await until("all are paid") { try await world.earned() >= expected(quotes) }
            await last.stop()
            #expect(try await world.earned() == expected(quotes))
        }
    }

    @Test("Leases that wait for their turn are given back by a stop") func prefetched() async throws {
        // They don't run out meanwhile.
        try await MinerWorld.run(leaseSeconds: 600) { world in
            let quotes = try await world.orderMany(12)
            let first = TestMiner(try world.configuration(EndlessBackend(rows: 16)))
            try await first.wait(.taskAssigned)
            try await until("several are leased") { try await leased(world, quotes) >= 9 }
            await first.stop()
            try await until("all are given back") { try await leased(world, quotes) == 0 }

            let second = TestMiner(try world.configuration())
            try await until("all are paid") { try await world.earned() >= expected(quotes) }
            await second.stop()
            #expect(try await world.earned() == expected(quotes))
        }
    }

    private func leased(_ world: MinerWorld, _ quotes: [Quote]) async throws -> Int {
        var count = 0
        for quote in quotes where try await world.status(quote).phase == "leased" { count += 1 }
        return count
    }

    @Test("Rewards go to a cold address, and the fee comes out of them") func cold() async throws {
        try await MinerWorld.run { world in
            let cold = try PrivateKey.generate().address
            var configuration = try world.configuration()
            configuration.payout = cold
            let miner = TestMiner(configuration)
            let quotes = try await world.orderMany(3)
            for _ in quotes { try await miner.wait(.receiptConfirmed) }
            await miner.stop()
            #expect(try await world.node.getBalance(cold).balance == expected(quotes))
            let own = try await world.node.getBalance(world.miner.address)
            #expect(own.balance == 0 && own.nonce == 3, "the miner's key signs and holds nothing")
            let receipt = try #require(try OutboxStore(path: "\(configuration.dataDirectory)/miner.db").history(limit: 1).first)
            #expect(receipt.result.receipt.terms.payout == cold)
        }
    }

    @Test("The operator sees every receipt, and why one stands still") func receipts() async throws {
        try await MinerWorld.run { world in
            let node = try await TroubledNode(before: world, absences: 0, refusals: Array(repeating: .mintLimited, count: 10_000))
            var configuration = try world.configuration()
            configuration.node = node.url
            configuration.local = try Bind("127.0.0.1:0")
            let miner = TestMiner(configuration)
            let local = try BaseURL("http://127.0.0.1:\(try #require(try await miner.localPort()))")
            func ask(_ query: String) async throws -> [JSON] {
                try await world.http.send(HTTPRequest(.get, local, path: "/receipts", query: query)).checked().json()["receipts"]?.arrayValue ?? []
            }
            #expect(try await ask("").isEmpty)
            _ = try await world.orderMany(1)
            try await miner.wait(.resultAttested)
            try await until("the reason is shown") { try await ask("?phase=attested").first?["reason"]?["code"] == "mint_limited" }
            node.relent()
            try await miner.wait(.receiptConfirmed)
            let paid = try #require(try await ask("?limit=1&phase=paid").first)
            #expect(paid["reason"] == nil && paid["height"] != nil)
            #expect(try await ask("?phase=attested").isEmpty)
            for query in ["?limit=0", "?limit=1001", "?limit=x", "?phase=lost"] {
                #expect(try await world.http.send(HTTPRequest(.get, local, path: "/receipts", query: query)).status == 400)
            }
            let metrics = String(decoding: try await world.http.send(HTTPRequest(.get, local, path: "/metrics")).checked().body, as: UTF8.self)
            #expect(metrics.contains("adit_miner_paid_total 1\n") && metrics.contains("adit_miner_steps_seconds"))
            await miner.stop()
            await node.stop()
        }
    }
}
