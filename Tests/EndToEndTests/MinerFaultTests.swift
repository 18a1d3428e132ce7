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

@Suite("Devices that err, hang or lie", .serialized) struct MinerFaultTests {
    /// Short pauses, and known answers close together.
    private static func configuration(_ world: MinerWorld, _ devices: [any ComputeBackend]) throws -> MinerConfiguration {
        var configuration = try world.configuration()
        configuration.backends = devices
        configuration.local = try Bind("127.0.0.1:0")
        configuration.leastSilence = .seconds(4)
        configuration.health.firstPause = .seconds(2)
        configuration.health.everyWatched = .milliseconds(200)
        configuration.health.answersForTrust = 2
        return configuration
    }

    @Test("A device that errs or hangs in a job is put aside; the job is done on another one, and the device comes back when it is well")
    func quarantine() async throws {
        try await MinerWorld.run { world in
            let moody = MoodyBackend()
            let configuration = try Self.configuration(world, [moody, MoodyBackend("steady", speed: 1e9)])
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            for (mood, reason) in [(MoodyBackend.Mood.errs, "device_error"), (.hangs, "device_hangs")] {
                moody.mood = mood
                _ = try await world.order(m: 24, k: 200, seed: reason)
                let aside = try await miner.wait(.deviceQuarantined)
                #expect(aside["backend"] == "moody")
                #expect(aside["reason"] == .string(reason))
                let failed = try await miner.wait(.taskFailed)
                #expect(failed["reason"] == "device_failed")
                let status = try await local.get("/status")
                let devices = try #require(status["backends"]?.arrayValue)
                #expect(devices.map { $0["usable"] } == [false, true])
                #expect(devices[0]["health"]?["reason"]?["code"] == .string(reason))
                let done = try await miner.wait(.taskCompleted)
                #expect(done["backend"] == "steady")
                try await miner.wait(.receiptConfirmed)
                moody.mood = .well
                try await local.until("well again") { $0["backends"]?.arrayValue?.first?["usable"] == true }
                try await local.until("trusted again") { $0["backends"]?.arrayValue?.first?["health"]?["state"] == "trusted" }
            }
            await miner.stop()
        }
    }

    @Test("A device that answers a known question wrongly is put aside alone; with none left, that is the reason") func lies() async throws {
        try await MinerWorld.run { world in
            let moody = MoodyBackend()
            var configuration = try Self.configuration(world, [moody])
            configuration.health.everyTrusted = .milliseconds(500)
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            moody.mood = .lies
            let aside = try await miner.wait(.deviceQuarantined)
            #expect(aside["reason"] == "wrong_answer")
            try await local.until("no device") { $0["work"]?["reason"]?["code"] == "no_usable_device" }
            moody.mood = .well
            try await local.until("well again") { $0["work"]?["reason"]?["code"] == "no_jobs" }
            _ = try await world.order(m: 24, k: 200)
            try await miner.wait(.receiptConfirmed)
            await miner.stop()
        }
    }

    @Test("A CPU that never comes back ends the process, with a code of its own") func hang() async throws {
        try await MinerWorld.run { world in
            let moody = MoodyBackend()
            var configuration = try Self.configuration(world, [moody, MoodyBackend("steady", speed: 1e9)])
            configuration.leastSilence = .seconds(2)
            configuration.hangEndsAfter = .seconds(1)
            let miner = TestMiner(configuration)
            _ = try await miner.localPort()
            moody.mood = .hangs
            _ = try await world.order(m: 24, k: 200)
            try await miner.wait(.deviceHangs)
            guard case .failure(let error) = await miner.result else {
                moody.mood = .well
                return #expect(Bool(false), "it went on")
            }
            moody.mood = .well
            #expect((error as? Problem)?.code == .deviceHangs)
        }
    }

    @Test("A device that hangs in a known question is put aside alone, too: jobs go on elsewhere meanwhile") func hangsInAQuestion() async throws {
        try await MinerWorld.run { world in
            let moody = MoodyBackend()
            var configuration = try Self.configuration(world, [MoodyBackend("steady", speed: 1e9), moody])
            // A hung CPU would end the process, and both of these count as one.
            configuration.hangEndsAfter = .seconds(600)
            configuration.leastSilence = .seconds(2)
            configuration.health.everyTrusted = .milliseconds(500)
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            moody.mood = .hangs
            // No job is there: it is a question that hangs.
            let aside = try await miner.wait(.deviceQuarantined)
            #expect(aside["backend"] == "moody" && aside["reason"] == "device_hangs")
            _ = try await world.order(m: 24, k: 200)
            #expect(try await miner.wait(.taskCompleted)["backend"] == "steady")
            try await miner.wait(.receiptConfirmed)
            #expect(!miner.seen.contains(.taskFailed))
            moody.mood = .well
            try await local.until("well again") { $0["backends"]?.arrayValue?.allSatisfy { $0["usable"] == true } == true }
            await miner.stop()
        }
    }
}
