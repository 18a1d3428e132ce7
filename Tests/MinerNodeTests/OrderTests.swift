import ChainClient
import Foundation
import Jobs
import Logging
import NativeBackend
import Profiler
import ServiceLifecycle
import Signing
import Testing
import Wire

@testable import MinerNode

@Suite("The operator's order while the coordinator is away") struct OrderTests {
    @Test("A miner that can't register says paused from the moment that it is told to", .timeLimit(.minutes(1))) func away() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("adit-order-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Nobody listens on port 1 of loopback.
        var configuration = MinerConfiguration(
            coordinator: try BaseURL("http://127.0.0.1:1"), node: try BaseURL("http://127.0.0.1:1"), chain: try ChainID("ait-test-1"), key: try .generate(),
            dataDirectory: folder, backends: [try NativeGEMM(threads: 1, isMeasured: false)])
        configuration.pauses = Pauses(first: .milliseconds(20), longest: .milliseconds(100))
        configuration.profile = Profiler.Outcome(
            machine: .current(), bestBackend: "native", f32FlopsPerSecond: 1e9, memoryBytesPerSecond: 1e9, tier: .inference,
            profile: WorkerProfile(
                cpuModel: "test", cores: 1, isa: [], memoryBytes: 1 << 30, devices: [WorkerDevice(kind: "cpu", name: "test", memoryBytes: 1 << 30)],
                f32FlopsPerSecond: 1_000_000_000, memoryBytesPerSecond: 1_000_000_000, blasCore: nil, softwareVersion: "0.1.0"))
        let (away, sink) = AsyncStream<Void>.makeStream()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let service = MinerService(configuration: configuration, logger: logger, onEvent: { if $0.name == .serviceUnreachable { sink.yield() } })
        let group = ServiceGroup(configuration: .init(services: [.init(service: service)], logger: logger))
        let running = Task {
            defer { sink.finish() }
            try await group.run()
        }
        for await _ in away { break }
        #expect(try await service.panel.view().reason?.code == "coordinator_unreachable")
        // Many looks: whatever the miner does meanwhile, none shows anything else.
        for (mode, code) in [(MinerControl.Mode.paused, "paused_by_operator"), (.draining, "draining"), (.working, "coordinator_unreachable")] {
            try await service.panel.control.set(mode)
            for _ in 0..<20 { #expect(try await service.panel.view().reason?.code == code) }
        }
        await group.triggerGracefulShutdown()
        try await running.value
    }
}
