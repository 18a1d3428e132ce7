import Jobs
import Kernels
import Ledger
import MinerNode
import NativeBackend
import Operations
import Synchronization
import Testing
import Wire

@Suite("A miner with several devices", .serialized) struct MinerDevicesTests {
    @Test("They work at the same time, each on a job of its own") func together() async throws {
        try await MinerWorld.run { world in
            let meeting = Meeting(of: 3)
            var configuration = try world.configuration()
            configuration.backends = try (0..<3).map { try MeetingBackend("device\($0)", meeting) }
            let quotes = try await Self.order(3, world)
            let miner = TestMiner(configuration)
            var used: Set<String> = []
            // A job's product ends only when all three are computed at one time.
            for _ in quotes { used.insert(try await miner.wait(.taskCompleted)["backend"]?.stringValue ?? "") }
            #expect(used == ["device0", "device1", "device2"])
            try await world.until("all are paid") { try await Self.paid(quotes, world) }
            await miner.stop()
            #expect(meeting.most == 3)
        }
    }

    @Test("One job at once, if the operator says so") func oneJob() async throws {
        try await MinerWorld.run { world in
            let meeting = Meeting(of: 1)
            var configuration = try world.configuration()
            configuration.backends = try (0..<3).map { try MeetingBackend("device\($0)", meeting) }
            configuration.limits.jobsAtOnce = 1
            let quotes = try await Self.order(3, world)
            let miner = TestMiner(configuration)
            try await world.until("all are paid") { try await Self.paid(quotes, world) }
            await miner.stop()
            #expect(meeting.most == 1)
        }
    }

    private static func paid(_ quotes: [Quote], _ world: MinerWorld) async throws -> Bool {
        for quote in quotes where try await world.status(quote).phase != "completed" { return false }
        return try await world.earned() > 0
    }

    /// Products that aren't small: some million units each.
    private static func order(_ count: Int, _ world: MinerWorld) async throws -> [Quote] {
        var quotes: [Quote] = []
        for index in 0..<count {
            let quote = try await world.order(m: MeetingBackend.rows, k: 4_000, seed: "\(index)")
            quotes.append(quote)
            // One payment of a key after the other.
            try await world.until("the payment is seen") { try await world.status(quote).phase == "queued" }
        }
        return quotes
    }
}

/// Where computations wait for each other.
private final class Meeting: Sendable {
    private let wanted: Int
    private let state = Mutex((present: 0, most: 0))

    init(of wanted: Int) { self.wanted = wanted }

    var isComplete: Bool { state.withLock { $0.most >= wanted } }
    /// The most at one time.
    var most: Int { state.withLock { $0.most } }

    func come() { state.withLock { state in (state.present, state.most) = (state.present + 1, max(state.most, state.present + 1)) } }
    func go() { state.withLock { $0.present -= 1 } }
}

/// A device whose jobs end when enough of them were there at one time.
private struct MeetingBackend: ComputeBackend {
    static let rows = 120
    let name: String
    let device = "a device that waits for others"
    private let meeting: Meeting
    private let own: NativeGEMM

    init(_ name: String, _ meeting: Meeting) throws(Problem) {
        (self.name, self.meeting, own) = (name, meeting, try NativeGEMM(threads: 1, isMeasured: false))
    }

    func capability(for gemm: GEMM) -> Capability? {
        gemm.arithmetic == .i32Exact ? Capability(arithmetic: gemm.arithmetic, operationsPerSecond: 1e7) : nil
    }

    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
        if gemm.m == Self.rows {
            meeting.come()
            defer { meeting.go() }
            while !meeting.isComplete { try control.step(0.1) }
        }
        try own.run(gemm, a: a, b: b, into: c, control: control)
    }
}
