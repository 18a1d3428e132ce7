import ChainClient
import Foundation
import HTTPServing
import Jobs
import Kernels
import Ledger
import MinerNode
import Operations
import Signing
import Testing
import Wire

@Suite("An operator's word to a miner", .serialized) struct MinerControlTests {
    @Test("A pause stops a computation at its next checkpoint, within a second, keeps the lease, and a resume goes on") func pause() async throws {
        try await MinerWorld.run(leaseSeconds: 2) { world in
            let device = SteppingBackend(rows: 40, steps: 150)
            var configuration = try world.configuration(device)
            configuration.local = try Bind("127.0.0.1:0")
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            let quote = try await world.order(m: 40, k: 300)
            try await device.untilStep(5)
            #expect(try await local.work.state == "computing")

            let begin = ContinuousClock.now
            try await local.control("pause")
            try await Task.sleep(for: .seconds(3))
            let last = try #require(device.times.last)
            let count = device.times.count
            #expect(last - begin < .seconds(1))
            #expect(count < 150)
            let work = try await local.work
            #expect(work.state == "paused" && work.reason == "paused_by_operator")
            // Longer than the lease lives without heartbeats.
            #expect(try await world.status(quote).stage == .running)

            try await local.control("resume")
            let done = try await miner.wait(.taskCompleted)
            #expect(device.times.count == 150)
            // The pause is no time of the kernel's.
            #expect(try #require(done["latency_ms"]?.doubleValue) < 3_000 + 150 * 25)
            try await miner.wait(.receiptConfirmed)
            #expect(!miner.seen.contains(.taskFailed))
            await miner.stop()
        }
    }

    @Test("A pause outlasts a restart; nothing is taken until a resume, and the reason is said") func kept() async throws {
        try await MinerWorld.run { world in
            var configuration = try world.configuration()
            configuration.local = try Bind("127.0.0.1:0")
            try await MinerControl(folder: configuration.dataDirectory).pause()
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            let quote = try await world.order(m: 24, k: 200)
            try await local.until("paused") { $0["work"]?["reason"]?["code"] == "paused_by_operator" && $0["control"]?["mode"] == "paused" }
            try await world.until("in a block") { try await world.node.getEscrow(quote.jobID) != nil }
            try await Task.sleep(for: .milliseconds(300))
            #expect(!miner.seen.contains(.taskAssigned))
            try await local.control("resume")
            try await miner.wait(.receiptConfirmed)
            #expect(try MinerControl(folder: configuration.dataDirectory).mode == .working)
            await miner.stop()
        }
    }

    @Test("After a pause that lasts, the lease goes to another miner") func givenBack() async throws {
        try await MinerWorld.run { world in
            let device = SteppingBackend(rows: 40, steps: 300)
            var configuration = try world.configuration(device)
            configuration.holdLeases = .milliseconds(300)
            let control = try MinerControl(folder: nil)
            configuration.control = control
            let miner = TestMiner(configuration)
            let quote = try await world.order(m: 40, k: 300)
            try await device.untilStep(5)
            try await control.pause()
            let failed = try await miner.wait(.taskFailed)
            #expect(failed["reason"] == "shutting_down")
            let other = TestMiner(try world.configuration(key: try .generate(), folder: "other"))
            try await other.wait(.resultAttested)
            #expect(try await world.status(quote).failedChecks == 0)
            await other.stop()
            await miner.stop()
        }
    }

    @Test("A drain finishes what is held, takes nothing new, and tells the coordinator") func drain() async throws {
        try await MinerWorld.run { world in
            let device = SteppingBackend(rows: 40, steps: 60)
            var configuration = try world.configuration(device)
            configuration.local = try Bind("127.0.0.1:0")
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            _ = try await world.order(m: 40, k: 300)
            try await device.untilStep(5)
            try await local.control("drain")
            #expect(try await local.work.state == "draining")
            try await miner.wait(.taskCompleted)
            try await miner.wait(.receiptConfirmed)
            try await world.until("the coordinator knows") { try await world.coordinator.networkState().draining == 1 }
            let quote = try await world.order(m: 20, k: 30)
            try await world.until("in a block") { try await world.node.getEscrow(quote.jobID) != nil }
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await world.status(quote).stage == .pending)
            #expect(try await local.work.reason == "draining")
            try await local.control("resume")
            try await miner.wait(.receiptConfirmed)
            #expect(try await world.coordinator.networkState().draining == 0)
            await miner.stop()
        }
    }

    @Test("Control wants the token, and no strange page gets anything") func door() async throws {
        try await MinerWorld.run { world in
            var configuration = try world.configuration()
            configuration.local = try Bind("127.0.0.1:0")
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(configuration.dataDirectory)/token")
            #expect(attributes[.posixPermissions] as? Int == 0o600)

            #expect(try await local.http.send(HTTPRequest(.post, local.base, path: "/control/pause")).status == 401)
            #expect(try await local.post("/control/pause", token: String(local.token.reversed())).status == 401)
            #expect(try await local.post("/control/pause", headers: [("Origin", "http://evil.example")]).status == 403)
            #expect(try await local.post("/control/pause", headers: [("Sec-Fetch-Site", "cross-site")]).status == 403)
            #expect(try await local.post("/control/pause", headers: [("Host", "evil.example")]).status == 403)
            #expect(try await local.http.send(HTTPRequest(.get, local.base, path: "/status", headers: [("Host", "evil.example:1")])).status == 403)
            #expect(try await local.post("/tasks", query: "?where=here", ["type": "compute"], token: String(repeating: "0", count: 64)).status == 401)
            #expect(try await local.work.state == "idle")
            #expect(try await local.post("/control/pause", headers: [("Origin", "\(local.base)")]).status == 200)
            #expect(try await local.work.state == "paused")
            // A second miner in this folder has the same token.
            await miner.stop()
            let second = TestMiner(configuration)
            #expect(try await MinerLocal(world, second, folder: configuration.dataDirectory).token == local.token)
            await second.stop()
        }
    }

    @Test("Outside the schedule nothing is taken; new limits count at once") func schedule() async throws {
        try await MinerWorld.run { world in
            let device = SteppingBackend(rows: 1_000, steps: 1)
            var configuration = try world.configuration(device)
            configuration.local = try Bind("127.0.0.1:0")
            configuration.limits.schedule = WeeklySchedule(open: [])
            let (changes, sink) = AsyncStream<OperatorLimits>.makeStream()
            configuration.limitChanges = changes
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            let quote = try await world.order(m: 24, k: 200)
            try await local.until("shut") { $0["work"]?["reason"]?["code"] == "outside_schedule" }
            try await world.until("in a block") { try await world.node.getEscrow(quote.jobID) != nil }
            #expect(!miner.seen.contains(.taskAssigned))
            var open = OperatorLimits()
            open.threads = 1
            sink.yield(open)
            try await miner.wait(.receiptConfirmed)
            #expect(device.threads.last == .some(1))
            #expect(miner.seen.contains(.limitsChanged))
            #expect(try await local.get("/status")["limits"]?["threads"] == "1")
            await miner.stop()
        }
    }
}
