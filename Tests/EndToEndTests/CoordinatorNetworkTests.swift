import ChainClient
import Coordinator
import Foundation
import Jobs
import Kernels
import Ledger
import Signing
import Testing
import Wire

@Suite("Coordinator: the network's state, lists, prices and a node's question")
struct CoordinatorNetworkTests {
    private func ask(_ running: CoordinatorUnderTest, _ json: JSON) async throws -> ReceiptAnswer {
        let request = HTTPRequest(.post, running.base, path: "/attest/receipt", body: BytesSource(json.canonicalBytes))
        return try ReceiptAnswer(json: try await running.harness.http.send(request).checked().json())
    }

    @Test func aNodesQuestionIsAnswered() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let key = try PrivateKey.generate()
            let work = try SampleWork()
            let answer = try await running.buy(work, by: key)
            let worker = try await running.worker()
            let lease = try await worker.lease()
            let result = try await worker.result(lease, try work.outputs())
            func question(price: Int64? = nil, miner: Address? = nil, job: JobID? = nil) -> ReceiptQuestion {
                ReceiptQuestion(
                    jobID: job ?? answer.taskID, client: key.address, miner: miner ?? worker.key.address, price: price ?? answer.quote.price,
                    computeUnits: answer.quote.computeUnits, outputHash: result.output.hash)
            }
            var known = try await self.ask(running, question().json)
            #expect(!known.exists && known.paid && known.quote == answer.quote)
            _ = try await worker.client.submitResult(lease.id, result)
            known = try await self.ask(running, question().json)
            #expect(known.exists && known.paid && known.notDoubleSpent)
            for other in [question(price: answer.quote.price + 1), question(miner: key.address)] {
                let refused = try await self.ask(running, other.json)
                #expect(!refused.exists && !refused.notDoubleSpent)
            }
            let unknown = try await self.ask(running, question(job: try JobID("job_" + String(repeating: "0", count: 32))).json)
            #expect(!unknown.exists && !unknown.paid && unknown.quote == nil)
            await expectRefusal(.missingField) { _ = try await self.ask(running, ["job_id": .string(answer.taskID.text)]) }
            await expectRefusal(.payloadTooLarge) { _ = try await self.ask(running, ["x": .string(String(repeating: "x", count: 5000))]) }
        }
    }

    @Test func totalsCountWhatWasDoneAndPaidAndSurvive() async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        try await harness.run { running in
            let worker = try await running.worker()
            for seed in ["1", "2"] {
                let work = try SampleWork(seed: seed)
                _ = try await running.buy(work, by: key)
                let lease = try await worker.lease()
                let signed = try await worker.client.submitResult(lease.id, try await worker.result(lease, try work.outputs()))
                if seed == "1" { await running.chain.claim(signed.claim.terms.receiptID) }
            }
            try await running.until("claimed") { try await running.client(key).networkState().totals.jobsPaid == 1 }
        }
        try await harness.run { running in
            let state = try await running.client(key).networkState()
            #expect(state.totals.jobsDone == 2 && state.totals.jobsPaid == 1)
            #expect(state.totals.unitsDone == 2 * state.totals.unitsPaid && state.totals.paid > 0)
            #expect(state.mintPerUnit == 1000)
        }
    }

    /// Demand is what was accepted, by the hour; it survives a restart and is forgotten after a day.
    @Test func theLastDaysDemandIsCounted() async throws {
        let harness = try CoordinatorHarness()
        let key = try PrivateKey.generate()
        let price = try await harness.runTwice { running in
            let worker = try await running.worker()
            func done(_ seed: String) async throws -> Quote {
                let work = try SampleWork(seed: seed)
                let quote = try await running.buy(work, by: key).quote
                let lease = try await worker.lease()
                _ = try await worker.client.submitResult(lease.id, try await worker.result(lease, try work.outputs()))
                return quote
            }
            let first = try await done("1")
            running.clock.advance(2 * 3_600_000)
            try await worker.client.registerWorker(worker.registration(memoryBytes: 1 << 30, tier: .inference))
            let second = try await done("2")
            _ = try await running.buy(try SampleWork(seed: "nobody did it"), by: key)
            let demand = try #require(try await running.client(key).networkState().demand)
            #expect(demand.total == NetworkDemand.Sum(jobs: 2, units: first.computeUnits + second.computeUnits, paid: first.price + second.price))
            #expect(demand.kernels == ["gemm": demand.total])
            #expect(demand.hourlyUnits.count == 24 && demand.hourlyUnits[21] == first.computeUnits && demand.hourlyUnits[23] == second.computeUnits)
            #expect(demand.sinceMilliseconds == demand.untilMilliseconds / 3_600_000 * 3_600_000 - 23 * 3_600_000)
            return first.price
        } then: { running, price in
            var state = try await running.client(key).networkState()
            #expect(state.demand?.total.jobs == 2 && state.pricePerUnit == 7 && state.burnBps == 0)
            running.clock.advance(22 * 3_600_000)
            state = try await running.client(key).networkState()
            #expect(state.demand?.total.jobs == 1 && state.demand?.total.paid == price)
            running.clock.advance(24 * 3_600_000)
            #expect(try await running.client(key).networkState().demand?.total == NetworkDemand.Sum())
        }
        #expect(price > 0)
    }

    @Test func aListHasPagesAndOnesOwnJobsAlone() async throws {
        let harness = try CoordinatorHarness()
        try await harness.run { running in
            let (key, other) = (try PrivateKey.generate(), try PrivateKey.generate())
            let client = running.client(key)
            var mine: [JobID] = []
            for seed in 0..<53 { mine.append(try await running.buy(try SampleWork(seed: "\(seed)"), by: key, paid: false).taskID) }
            _ = try await running.buy(try SampleWork(), by: other, paid: false)
            _ = try await client.cancelTask(mine[0])
            let first = try await client.tasks()
            #expect(first.tasks.map(\.taskID) == Array(mine.reversed().prefix(50)))
            let second = try await client.tasks(after: first.next)
            #expect(first.next != nil && second.tasks.map(\.taskID) == Array(mine.reversed().dropFirst(50)) && second.next == nil)
            #expect(try await client.tasks(stage: .failed).tasks.map(\.taskID) == [mine[0]])
            #expect(first.tasks.allSatisfy { $0.summary?.type == "gemm" && ($0.summary?.price ?? 0) > 0 })
            #expect(try await running.client(other).tasks().tasks.count == 1)
            for query in ["?status=lost", "?after=x", "?after=-1", "?after=99999999999999999999"] {
                await expectRefusal(query.hasPrefix("?s") ? .outOfRange : .badRequest, "\(query)") {
                    let headers = HTTPSignature.headers(
                        for: SignedRequest(method: "GET", authority: running.base.authority, path: "/tasks", query: String(query.dropFirst())), body: .none,
                        key: key, now: running.clock.nowMilliseconds / 1000, nonce: SecureRandom.hex(bytes: 16))
                    _ = try await harness.http.send(HTTPRequest(.get, running.base, path: "/tasks", query: query, headers: headers)).checked()
                }
            }
        }
    }

    /// After the burn the miner can still pay its claim's fee.
    @Test(arguments: [(0, 10), (1, 10), (5000, 19), (9999, 90_001), (10_000, 10)] as [(Int64, Int64)])
    func theBurnIsInThePrice(_ burn: Int64, _ least: Int64) async throws {
        let harness = try CoordinatorHarness()
        await harness.chain.charge(base: 10, perByte: 0, burn: burn)
        try await harness.run(configure: { $0.pricePerUnit = 0 }) { running in
            let price = try await running.buy(try SampleWork(), by: try .generate(), paid: false).quote.price
            #expect(price == least)
            let burned = price * burn / 10_000
            #expect(burn == 10_000 || price - burned >= 10)
            #expect(burn == 10_000 || (price - 1) - (price - 1) * burn / 10_000 < 10, "no more than needed")
        }
    }
}
