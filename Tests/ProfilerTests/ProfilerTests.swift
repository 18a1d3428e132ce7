import Jobs
import Kernels
import Profiler
import Synchronization
import Testing
import Wire

@Suite("Measuring") struct ProfilerTests {
    /// Small, for debug builds.
    private static let small = RatePlan(budget: .milliseconds(200), rounds: 2, sizes: [64], acceleratorSizes: [64], hasMembers: false, hasMoreKernels: false)

    @Test("A profile has measured figures, and reports its progress") func profile() async throws {
        let steps = Mutex<[Profiler.Progress]>([])
        let profiler = Profiler(backends: [CountingBackend()], memoryCap: 1 << 30, softwareVersion: "0.1.0", plan: Self.small)
        let outcome = try await profiler.run { progress in steps.withLock { $0.append(progress) } }
        #expect(outcome.bestBackend == "counting")
        #expect(try #require(outcome.f32FlopsPerSecond) > 0)
        #expect(outcome.profile.memoryBytes == 1 << 30)
        #expect(outcome.profile.f32FlopsPerSecond > 0)
        // 256 MiB may be taken; arrays of a machine with a huge cache would need more, and then nothing is claimed.
        if let bandwidth = outcome.memoryBytesPerSecond { #expect(bandwidth > 1e8) }
        #expect(try WorkerProfile(json: outcome.profile.json) == outcome.profile)
        #expect(steps.withLock { $0.map(\.step) }.contains("f32-panel256 product 64 on counting"))
        #expect(steps.withLock { $0.allSatisfy { (0...1).contains($0.share) } })
        let rates = try #require(outcome.rates)
        #expect(Set(rates.rows.map(\.kind)).isSuperset(of: [.gemm, .sha256, .sign, .verify]))
        #expect(try RateTable(json: try JSON.parse(rates.json.canonicalBytes)) == rates)
    }

    @Test("Without a backend nothing is claimed") func none() async throws {
        let outcome = try await Profiler(backends: [], memoryCap: 1 << 20, softwareVersion: "0.1.0", plan: Self.small).run()
        #expect(outcome.f32FlopsPerSecond == nil)
        #expect(outcome.memoryBytesPerSecond == nil)
        #expect(outcome.tier == .feedback)
        #expect(outcome.profile.f32FlopsPerSecond == 0)
    }

    @Test("A failing device is an error, not a zero; a failing library a note") func failing() async throws {
        let problem = await #expect(throws: Problem.self) {
            try await Profiler(backends: [FailingBackend()], softwareVersion: "0.1.0", plan: Self.small).run()
        }
        #expect(problem?.code == .backendUnavailable)
        let plan = RatePlan(
            budget: .milliseconds(100), rounds: 1, sizes: [32], acceleratorSizes: [], hasMembers: true, hasMoreKernels: false, kinds: [.gemm])
        let outcome = try await Profiler(backends: [CountingBackend()], members: [FailingBackend()], softwareVersion: "0.1.0", plan: plan).run()
        #expect(outcome.rates?.notes.contains { $0.contains("on failing failed: no device") } == true)
        #expect(outcome.rates?.rows.allSatisfy { $0.backend == "counting" } == true)
    }

    @Test("The data measured with are random, since zeros run faster") func randomData() async throws {
        let backend = CountingBackend()
        let plan = RatePlan(budget: .zero, rounds: 1, sizes: [128], acceleratorSizes: [], hasMembers: false, hasMoreKernels: false, kinds: [.gemm])
        _ = try await Profiler(backends: [backend], softwareVersion: "0.1.0", plan: plan).run()
        #expect(backend.distinctWords > 1_000)
        #expect(backend.runs >= 2)
    }
}

/// A real but very slow device: touches a part of the data and counts its runs.
private final class CountingBackend: ComputeBackend {
    let name = "counting"
    let device = "test"
    private let state = Mutex((runs: 0, distinct: 0))

    var runs: Int { state.withLock { $0.runs } }
    var distinctWords: Int { state.withLock { $0.distinct } }

    func capability(for gemm: GEMM) -> Capability? { gemm.arithmetic == .f32Panel256 ? Capability(arithmetic: gemm.arithmetic) : nil }

    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        let distinct = Set(unsafe a.buffer.withUnsafeBytes { raw in unsafe Array(raw.bindMemory(to: UInt32.self).prefix(4_096)) }).count
        state.withLock { $0 = (runs: $0.runs + 1, distinct: distinct) }
    }
}

private struct FailingBackend: ComputeBackend {
    let name = "failing"
    let device = "test"
    func capability(for gemm: GEMM) -> Capability? { Capability(arithmetic: gemm.arithmetic) }
    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) { throw Problem(.backendUnavailable, "no device") }
}
