import ChainClient
import HTTPServing
import Jobs
import Kernels
import MinerNode
import NativeBackend
import Profiler
import Testing
import Wire

@Suite("Miner: shows what it claims")
struct MinerChallengeTests {
    /// A product of 10^9 operations with time enough for a busy machine and a debug build: a hundredth of the tier's limit is taken for it.
    private static var rules: ChallengeRules {
        var rules = ChallengeRules()
        rules.usual = CapabilityChallenge.Size(m: 800, n: 800, k: 800)
        rules.tolerancePercent = 1
        return rules
    }

    private func configuration(_ world: MinerWorld, _ backend: any ComputeBackend) throws -> MinerConfiguration {
        var configuration = try world.configuration(backend)
        configuration.memoryCap = 4 << 30
        configuration.profile = Profiler.Outcome(
            machine: .current(), bestBackend: backend.name, f32FlopsPerSecond: 20e9, memoryBytesPerSecond: 1e9, tier: .inference,
            profile: WorkerProfile(
                cpuModel: "test", cores: 1, isa: [], memoryBytes: 4 << 30, devices: [WorkerDevice(kind: "cpu", name: "test", memoryBytes: 4 << 30)],
                f32FlopsPerSecond: 20_000_000_000, memoryBytesPerSecond: 1_000_000_000, blasCore: nil, softwareVersion: "0.1.0"))
        return configuration
    }

    @Test func aMinerAnswersBeforeItsFirstJobAndEarnsItsTier() async throws {
        try await MinerWorld.run(challenges: Self.rules) { world in
            let quote = try await world.order(m: 16, k: 32)
            let miner = TestMiner(try configuration(world, try NativeGEMM(isMeasured: false)))
            let answered = try await miner.wait(.challengeAnswered)
            #expect(answered["tier"] == "inference" && answered["claimed"] == "inference" && answered["detail"] == "the tier is earned")
            try await miner.wait(.taskAssigned)
            #expect(try await world.coordinator.networkState().workers[.inference] == 1)
            try await world.until("paid") { try await world.status(quote).phase == "completed" }
            await miner.stop()
        }
    }

    /// Not for as long as the next call for work is held open.
    @Test func whenTheAnswerIsGivenItIsNoLongerTheReason() async throws {
        try await MinerWorld.run(challenges: Self.rules) { world in
            var configuration = try configuration(world, try NativeGEMM(isMeasured: false))
            (configuration.local, configuration.pollSeconds) = (try Bind("127.0.0.1:0"), 60)
            let miner = TestMiner(configuration)
            try await miner.wait(.challengeAnswered)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            try await local.until("no job, and no challenge") { $0["work"]?["reason"]?["code"] == "no_jobs" }
            await miner.stop()
        }
    }

    /// Its claim is not worth more than what it does; jobs that ask for nothing come all the same.
    @Test func aMinerThatCantAnswerIsToldWhyAndWorksOn() async throws {
        var rules = Self.rules
        // Half a million operations, a root within a millisecond: no line is that quick, whatever the machine.
        rules.usual = CapabilityChallenge.Size(m: 64, n: 64, k: 64)
        rules.tolerancePercent = 100
        try await MinerWorld.run(challenges: rules) { world in
            // An input of 1 MiB.
            let quote = try await world.order(m: 16, k: 65_536)
            var configuration = try configuration(world, try NativeGEMM(isMeasured: false))
            configuration.local = try Bind("127.0.0.1:0")
            let miner = TestMiner(configuration)
            let failed = try await miner.wait(.challengeFailed)
            #expect(["timeout", "unknown_challenge", "canceled"].contains(failed["code"]?.stringValue ?? ""))
            try await world.until("paid") { try await world.status(quote).phase == "completed" }
            // What the operator sees of it.
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            let (status, view) = (try await local.get("/status"), try await local.get("/view"))
            #expect(status["placement"]?["tier"] == "feedback" && status["placement"]?["claimed"] == "inference")
            #expect(view["placement"]?["tier"] == "feedback" && view["placement"]?["reason"]?["code"] == "tier_too_low")
            #expect(view["placement"]?["reason"]?["meaning"]?.stringValue?.contains("GFLOP/s shown") == true)
            // How fast the line is, by the input that came.
            #expect(status["download"]?["bytes"] == 1_048_576 && (status["download"]?["bytes_per_second"]?.doubleValue ?? 0) > 0)
            #expect(view["download"]?["bytes"]?.doubleValue == 1_048_576)
            let state = try await world.coordinator.networkState()
            #expect(state.workers[.feedback] == 1 && state.claimed?[.inference] == 1)
            await miner.stop()
        }
    }
}
