import ChainClient
import Foundation
import HTTPServing
import Jobs
import Kernels
import Ledger
import MinerNode
import Signing
import Testing
import Wire

@Suite("A miner on the whole road", .serialized) struct MinerRoadTests {
    @Test("Leases, computes, is attested, claims and is paid") func paid() async throws {
        try await MinerWorld.run { world in
            var configuration = try world.configuration()
            configuration.local = try Bind("127.0.0.1:0")
            let miner = TestMiner(configuration)
            let port = try #require(try await miner.localPort())
            let local = try BaseURL("http://127.0.0.1:\(port)")
            #expect(try await world.http.send(HTTPRequest(.get, local, path: "/health")).status == 200)

            let quote = try await world.order(m: 40, k: 300)
            let assigned = try await miner.wait(.taskAssigned)
            #expect(assigned["job_id"] == .string(quote.jobID.text))
            let attested = try await miner.wait(.resultAttested)
            #expect(attested["verification"] == "exact")
            let confirmed = try await miner.wait(.receiptConfirmed)
            #expect(try #require(confirmed["height"]?.integerValue) > 0)

            // One unit of 0.96 million operations mints 1000; the fee of 10 came out of it.
            #expect(quote.computeUnits == 1)
            #expect(try await world.earned() == quote.price + 1_000 - 10)
            #expect(try await world.status(quote).stage == .completed)

            let store = try OutboxStore(path: "\(configuration.dataDirectory)/miner.db")
            #expect(try store.counts() == ["paid": 1])
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(configuration.dataDirectory)/outputs").isEmpty)

            let status = try await world.http.send(HTTPRequest(.get, local, path: "/status")).json()
            #expect(status["state"] == "ready")
            #expect(status["outbox"]?["paid"] == 1)
            let metrics = String(decoding: try await world.http.send(HTTPRequest(.get, local, path: "/metrics")).checked().body, as: UTF8.self)
            #expect(metrics.contains("adit_miner_outbox{phase=\"paid\"} 1"))
            #expect(!String(decoding: status.canonicalBytes, as: UTF8.self).contains(world.miner.seedHex))
            await miner.stop()
        }
    }

    @Test("Several jobs, one after the other and side by side, are all paid once") func several() async throws {
        try await MinerWorld.run { world in
            let miner = TestMiner(try world.configuration())
            var quotes: [Quote] = []
            for index in 0..<4 {
                let quote = try await world.order(m: 20 + index, k: 64, seed: "several \(index)")
                quotes.append(quote)
                // The client's next payment needs the nonce after this one.
                while try await world.node.getEscrow(quote.jobID) == nil { try await Task.sleep(for: .milliseconds(100)) }
            }
            for _ in quotes { try await miner.wait(.receiptConfirmed) }
            let expected = quotes.reduce(0) { $0 + $1.price + $1.computeUnits * 1_000 - 10 }
            #expect(try await world.earned() == expected)
            await miner.stop()
        }
    }

    @Test("An output with one wrong cell is refused, told why, and never paid") func cheat() async throws {
        try await MinerWorld.run { world in
            let configuration = try world.configuration(CheatingBackend(rows: 40, lie: .oneBit))
            let miner = TestMiner(configuration)
            let quote = try await world.order(m: 40, k: 300)
            let rejected = try await miner.wait(.resultRejected)
            #expect(rejected["code"] == "verification_failed")
            #expect(try await world.status(quote).failedChecks == 1)
            #expect(try await world.earned() == 0)
            await miner.stop()
            let entries = try OutboxStore(path: "\(configuration.dataDirectory)/miner.db").entries(in: ["rejected"])
            guard case .rejected(let problem)? = entries.first?.phase else { return #expect(Bool(false), "not rejected") }
            #expect(problem.code == .verificationFailed)
            #expect(!miner.seen.contains(.claimSent))
        }
    }

    @Test("F32 work that differs in any way from the definition is refused, and the job goes on to an honest miner") func cheatsInF32() async throws {
        let lies = CheatingBackend.Lie.allCases
        try await MinerWorld.run(policy: JobPolicy(maxFailedChecks: lies.count + 1)) { world in
            let quote = try await world.orderRandom(m: 40, n: 30, k: 300)
            for (index, lie) in lies.enumerated() where lie != .oneBit {
                let key = try PrivateKey.generate()
                let miner = TestMiner(try world.configuration(CheatingBackend(rows: 40, lie: lie), key: key, folder: "cheat-\(index)"))
                let rejected = try await miner.wait(.resultRejected)
                #expect(rejected["code"] == "verification_failed", "\(lie)")
                await miner.stop()
                #expect(try await world.node.getBalance(key.address).balance == 0)
            }
            let honest = TestMiner(try world.configuration())
            let attested = try await honest.wait(.resultAttested)
            #expect(attested["verification"] == "bits")
            try await honest.wait(.receiptConfirmed)
            await honest.stop()
            #expect(try await world.status(quote).failedChecks == Int64(lies.count - 1))
            #expect(try await world.earned() == quote.price + quote.computeUnits * 1_000 - 10)
        }
    }

    @Test("Killed at any step, it goes on where it was, and is paid once", arguments: [MinerEvent.Name.taskCompleted, .resultAttested, .claimSent])
    func killed(at step: MinerEvent.Name) async throws {
        try await MinerWorld.run { world in
            let configuration = try world.configuration()
            let first = TestMiner(configuration)
            let quote = try await world.order(m: 24, k: 200)
            try await first.wait(step)
            await first.kill()

            let second = TestMiner(configuration)
            try await second.wait(.receiptConfirmed)
            await second.stop()
            #expect(try await world.earned() == quote.price + quote.computeUnits * 1_000 - 10)
            #expect(try OutboxStore(path: "\(configuration.dataDirectory)/miner.db").counts() == ["paid": 1])
            // The second run computed nothing.
            #expect(!second.seen.contains(.taskAssigned))
        }
    }

    @Test("A graceful stop in the middle of a computation gives the lease back") func stopWhileComputing() async throws {
        try await MinerWorld.run(leaseSeconds: 600) { world in
            let configuration = try world.configuration(EndlessBackend(rows: 24))
            let first = TestMiner(configuration)
            let quote = try await world.order(m: 24, k: 200)
            try await first.wait(.taskAssigned)
            while try await world.status(quote).phase != "leased" { try await Task.sleep(for: .milliseconds(20)) }
            // The computation has no end of its own, and the lease would go on for ten minutes without a heartbeat.
            await first.stop()
            #expect(try await world.status(quote).phase == "queued")

            // Somebody else, or the same miner with a better device, does it.
            let second = TestMiner(try world.configuration(folder: "second"))
            try await second.wait(.receiptConfirmed)
            await second.stop()
            #expect(try await world.status(quote).attempts == 2)
        }
    }

    @Test("A miner registers the memory that it offers, whatever its profile says, and takes what fits") func memory() async throws {
        try await MinerWorld.run { world in
            var configuration = try world.configuration()
            configuration.memoryCap = 10_000
            let miner = TestMiner(configuration)
            try await miner.wait(.ready)
            await #expect(performing: { try await world.order(m: 60, k: 300) }, throws: { ($0 as? Problem)?.code == .memoryLimit })
            let quote = try await world.order(m: 8, k: 64)
            let assigned = try await miner.wait(.taskAssigned)
            #expect(assigned["job_id"] == .string(quote.jobID.text))
            try await miner.wait(.receiptConfirmed)
            await miner.stop()
            #expect(!miner.seen.contains(.taskFailed))
        }
    }

    @Test("A device that fails its self-test is never used") func selfTest() async throws {
        try await MinerWorld.run { world in
            let miner = TestMiner(try world.configuration(ZeroBackend()))
            let refused = try await miner.wait(.backendRefused)
            #expect(refused["code"] == "backend_unavailable")
            guard case .failure(let error as Problem) = await miner.result else { return #expect(Bool(false), "it ran") }
            #expect(error.code == .backendUnavailable)
        }
    }

    @Test("Services that aren't there yet are waited for") func late() async throws {
        try await MinerWorld.run { world in
            var configuration = try world.configuration()
            configuration.coordinator = try BaseURL("http://127.0.0.1:9")
            let miner = TestMiner(configuration)
            let event = try await miner.wait(.serviceUnreachable)
            #expect(event["code"] == "transport_failed")
            // Which ends the waiting: nothing else would.
            await miner.stop()
        }
    }
}
