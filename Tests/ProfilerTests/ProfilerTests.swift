import Jobs
import Kernels
import Profiler
import Synchronization
import Testing
import Wire

@Suite("Measuring") struct ProfilerTests {
    @Test("A profile has measured figures, and reports its progress") func profile() async throws {
        let steps = Mutex<[Profiler.Progress]>([])
        let profiler = Profiler(
            backends: [CountingBackend()], memoryCap: 1 << 30, softwareVersion: "0.1.0", gemmBudget: .milliseconds(20), bandwidthBudget: .milliseconds(10))
        let outcome = try await profiler.run { progress in steps.withLock { $0.append(progress) } }
        #expect(outcome.bestBackend == "counting")
        #expect(try #require(outcome.f32FlopsPerSecond) > 0)
        #expect(outcome.profile.memoryBytes == 1 << 30)
        #expect(outcome.profile.f32FlopsPerSecond > 0)
        // 256 MiB may be taken; arrays of a machine with a huge cache would need more, and then nothing is claimed.
        if let bandwidth = outcome.memoryBytesPerSecond { #expect(bandwidth > 1e8) }
        #expect(try WorkerProfile(json: outcome.profile.json) == outcome.profile)
        #expect(steps.withLock { $0.map(\.step) }.contains("F32 GEMM on counting"))
        #expect(steps.withLock { $0.allSatisfy { (0...1).contains($0.share) } })
    }

    @Test("Without a backend nothing is claimed") func none() async throws {
        let outcome = try await Profiler(backends: [], memoryCap: 1 << 20, softwareVersion: "0.1.0", bandwidthBudget: .zero).run()
        #expect(outcome.f32FlopsPerSecond == nil)
        #expect(outcome.memoryBytesPerSecond == nil)
        #expect(outcome.tier == .feedback)
        #expect(outcome.profile.f32FlopsPerSecond == 0)
    }

    @Test("A failing backend is an error, not a zero") func failing() async {
        let problem = await #expect(throws: Problem.self) { try await Profiler(backends: [FailingBackend()], softwareVersion: "0.1.0").run() }
        #expect(problem?.code == .backendUnavailable)
    }

    @Test("The data measured with are random, since zeros run faster") func randomData() throws {
        let backend = CountingBackend()
        _ = try GemmMeter.measure(backend, budget: .zero, limit: 1 << 30)
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

    func capability(for gemm: GEMM) -> Capability? { Capability(arithmetic: gemm.arithmetic) }

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
