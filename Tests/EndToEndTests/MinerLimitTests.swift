import ChainClient
import Foundation
import GRDB
import HTTPServing
import Jobs
import Kernels
import Ledger
import MinerNode
import NativeBackend
import Operations
import Profiler
import Signing
import Synchronization
import Testing
import Wire

@Suite("What an operator allows a miner", .serialized) struct MinerLimitTests {
    @Test("A job below the price floor isn't taken, with the reason, until the floor is lowered while it runs") func floor() async throws {
        try await MinerWorld.run { world in
            var configuration = try world.configuration()
            configuration.local = try Bind("127.0.0.1:0")
            configuration.limits.priceFloor = 1_000_000
            let (changes, sink) = AsyncStream<OperatorLimits>.makeStream()
            configuration.limitChanges = changes
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            _ = try await world.order(m: 24, k: 200)
            try await local.until("below the floor") { $0["work"]?["reason"]?["code"] == "below_price_floor" && $0["work"]?["state"] == "idle" }
            #expect(!miner.seen.contains(.taskAssigned))
            sink.yield(OperatorLimits())
            try await miner.wait(.receiptConfirmed)

            var others = OperatorLimits()
            others.kernels = ["conv2d"]
            sink.yield(others)
            try await miner.wait(.limitsChanged)
            _ = try await world.order(m: 20, k: 30)
            try await local.until("another kernel") { $0["work"]?["reason"]?["code"] == "kernel_not_allowed" }
            await miner.stop()
        }
    }

    @Test("No more leases are held than the limit allows") func jobs() async throws {
        try await MinerWorld.run { world in
            var configuration = try world.configuration()
            configuration.limits.jobsAtOnce = 1
            configuration.local = try Bind("127.0.0.1:0")
            let quotes = try await world.orderMany(6)
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            var most = 0
            var paid = 0
            while paid < quotes.count {
                let status = try await local.get("/status")
                most = max(most, status["leases"]?.arrayValue?.count ?? 0)
                paid = Int(status["outbox"]?["paid"]?.integerValue ?? 0)
            }
            #expect(most == 1)
            await miner.stop()
        }
    }

    @Test("A limit of the devices' memory is registered as soon as the device has it") func deviceMemory() async throws {
        try await MinerWorld.run { world in
            let device = RoomyBackend()
            var configuration = try world.configuration(device)
            let measured = try #require(configuration.profile)
            configuration.profile = Profiler.Outcome(
                machine: measured.machine, bestBackend: measured.bestBackend, f32FlopsPerSecond: 1e9, memoryBytesPerSecond: 1e9, tier: .inference,
                profile: WorkerProfile(
                    cpuModel: "test", cores: 1, isa: [], memoryBytes: 1 << 30,
                    devices: [WorkerDevice(kind: "cpu", name: "test", memoryBytes: 1 << 30), WorkerDevice(device.gpu)], f32FlopsPerSecond: 1_000_000_000,
                    memoryBytesPerSecond: 1_000_000_000, blasCore: nil, softwareVersion: "0.1.0"))
            // The coordinator would be asked again after that time anyway.
            configuration.pollSeconds = 20
            let (changes, sink) = AsyncStream<OperatorLimits>.makeStream()
            configuration.limitChanges = changes
            func registered() throws -> [Int64] {
                let text = try DatabaseQueue(path: "\(world.folder)/coordinator/coordinator.db").read { db in
                    try String.fetchOne(db, sql: "SELECT registration FROM worker WHERE address = ?", arguments: [world.miner.address.text])
                }
                return try WorkerRegistration(json: JSON.parse(Array(try #require(text).utf8))).profile.devices.map(\.memoryBytes)
            }
            let miner = TestMiner(configuration)
            try await miner.wait(.ready)
            #expect(try registered() == [1 << 30, Int64(RoomyBackend.share)])
            for cap in [Int64(1 << 28), 1 << 29, nil] {
                let begin = ContinuousClock.now
                var limits = OperatorLimits()
                limits.deviceMemoryBytes = cap
                sink.yield(limits)
                try await miner.wait(.registered)
                #expect(try registered() == [1 << 30, cap ?? Int64(RoomyBackend.share)])
                #expect(.now - begin < .seconds(15))
            }
            await miner.stop()
        }
    }

    /// A device with memory of its own.
    private final class RoomyBackend: ComputeBackend {
        static let share = 1 << 30
        let name = "opencl:0"
        let device = "a device with memory"
        private let cap = Mutex(RoomyBackend.share)

        var gpu: Accelerator { Accelerator(kind: "gpu", name: "memory", memoryBytes: cap.withLock { $0 }) }
        var accelerator: Accelerator? { gpu }
        func useMemory(atMost byteCount: Int?) { cap.withLock { $0 = byteCount ?? Self.share } }
        func capability(for gemm: GEMM) -> Capability? { Capability(arithmetic: gemm.arithmetic) }

        func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
            try PlainBackend().run(gemm, a: a, b: b, into: c, control: control)
        }
    }

    /// What else the machine does, as a test has it.
    private final class Machine: ActivityPort {
        let state = Mutex(ActivityReading(othersShare: 0, secondsSinceUser: .infinity, isOnBattery: false, freeMemory: 8 << 30, freeDisk: 100 << 30))
        func read() -> ActivityReading { state.withLock { $0 } }
        func change(_ body: (inout ActivityReading) -> Void) { state.withLock { body(&$0) } }
    }

    @Test("A user at the machine stops a computation; pressure on memory is told, and when it is over") func machine() async throws {
        try await MinerWorld.run { world in
            let device = SteppingBackend(rows: 40, steps: 400)
            let machine = Machine()
            var configuration = try world.configuration(device)
            configuration.local = try Bind("127.0.0.1:0")
            configuration.activity = machine
            configuration.limits.idleOnly = true
            configuration.permission.pressure.wellFor = .milliseconds(500)
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            _ = try await world.order(m: 40, k: 300)
            try await device.untilStep(3)
            machine.change { $0.secondsSinceUser = 0 }
            try await local.until("a user") { $0["work"]?["reason"]?["code"] == "user_active" && $0["work"]?["state"] == "paused" }
            try await Task.sleep(for: .milliseconds(100))
            let count = device.times.count
            try await Task.sleep(for: .milliseconds(300))
            #expect(device.times.count == count)
            machine.change { ($0.secondsSinceUser, $0.freeMemory) = (.infinity, 1 << 20) }
            let critical = try await miner.wait(.resourceCritical)
            #expect(critical["resource"] == "memory")
            #expect(try await local.work.reason == "memory_pressure")
            machine.change { $0.freeMemory = 8 << 30 }
            try await miner.wait(.resourceRecovered)
            try await miner.wait(.receiptConfirmed)
            await miner.stop()
        }
    }

    @Test("A device that is to work a quarter of the time does, and says why it is slow") func utilisation() async throws {
        try await MinerWorld.run { world in
            let device = SteppingBackend(rows: 40, steps: 100)
            var configuration = try world.configuration(device)
            configuration.local = try Bind("127.0.0.1:0")
            configuration.limits.targets.utilisation = 0.25
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            try await local.until("slow") { $0["backends"]?.arrayValue?.first?["throttle"]?["code"] == "utilisation" }
            _ = try await world.order(m: 40, k: 300)
            try await miner.wait(.taskCompleted)
            let span = try #require(device.times.last) - (try #require(device.times.first))
            // 99 steps of 10 ms at least. A quarter of two processors is one of them half of the time, if that was asked for long enough; of one, a quarter.
            #expect(span > .milliseconds(1_700))
            let metrics = String(decoding: try await local.http.send(HTTPRequest(.get, local.base, path: "/metrics")).checked().body, as: UTF8.self)
            #expect(metrics.contains("adit_miner_device_usable{device=\"steps\"} 1"))
            #expect(metrics.contains("adit_miner_device_jobs{device=\"steps\"} 1"))
            await miner.stop()
        }
    }

    @Test("Small work of the operator's own: aggregates and tasks, here and now") func own() async throws {
        try await MinerWorld.run { world in
            var configuration = try world.configuration()
            configuration.backends = [try NativeGEMM(threads: 1, isMeasured: false)]
            configuration.local = try Bind("127.0.0.1:0")
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            let tensors: JSON = [["shape": [2, 2], "values": [1, 2, 3, 4]], ["shape": [2, 2], "values": [3, 4, 5, 8]]]
            let mean = try await local.post("/aggregate", ["tensors": tensors]).checked().json()
            #expect(mean["values"] == [2, 3, 4, 6])
            #expect(mean["shape"] == [2, 2])
            #expect(mean["paid"] == false && mean["verified"] == false)
            let sum = try await local.post("/aggregate", ["tensors": tensors, "weights": [2, 3]]).checked().json()
            #expect(sum["values"] == [11, 16, 21, 32])
            let many = JSON.array((0..<100).map { ["shape": [3], "values": [.integer($0), 1, 0]] })
            #expect(try await local.post("/aggregate", ["tensors": many, "mode": "sum"]).checked().json()["values"] == [4950, 100, 0])
            #expect(try await local.post("/aggregate", ["tensors": many]).checked().json()["count"] == 100)
            for bad: JSON in [
                ["tensors": []], ["tensors": [["shape": [2], "values": [1]]]], ["tensors": [["shape": [0], "values": []]]],
                ["tensors": [["shape": [1_000_000_000, 1_000_000_000, 9], "values": []]]],
                ["tensors": [["shape": [1], "values": ["a"]]]], ["tensors": tensors, "weights": [1]], ["tensors": tensors, "mode": "median"],
                ["tensors": [["shape": [1], "values": [1]], ["shape": [2], "values": [1, 2]]]], ["tensor": tensors],
            ] {
                let status = try await local.post("/aggregate", bad).status
                #expect((400..<500).contains(status), "\(bad.canonicalString) gave \(status)")
            }
            let task = try await local.post(
                "/tasks", query: "?where=here", ["type": "compute", "data": ["input": [1, 2, 3, 4, 5], "operations": ["square", "sum"]]]
            ).checked().json()
            #expect(task["result"] == 55)
            #expect(task["verified"] == false)
            // This coordinator has no sponsor.
            #expect(
                try await local.post("/tasks", ["type": "compute", "data": ["input": [1], "operations": ["square"]]]).status == 401)
            await miner.stop()
        }
    }

    @Test("What happens is told to who listens, and again to who comes back") func events() async throws {
        try await MinerWorld.run { world in
            var configuration = try world.configuration()
            configuration.local = try Bind("127.0.0.1:0")
            let miner = TestMiner(configuration)
            let local = try await MinerLocal(world, miner, folder: configuration.dataDirectory)
            let heard = Heard(until: "work_resumed")
            let listening = Task {
                let limits = HTTPLimits(total: .seconds(60), stall: nil, answerBytes: .max)
                _ = try? await local.http.send(HTTPRequest(.get, local.base, path: "/events", query: "?after=0", limits: limits), sink: heard)
            }
            try await local.control("pause")
            try await local.control("resume")
            try await heard.done()
            listening.cancel()
            let text = heard.text
            #expect(text.contains("event: ready\n"))
            #expect(text.contains("event: work_paused\n"))
            #expect(try await local.http.send(HTTPRequest(.get, local.base, path: "/events", query: "?after=x")).status == 400)
            await miner.stop()
        }
    }

    /// Keeps what comes until a word is among it.
    private final class Heard: DownloadSink {
        private let state = Mutex("")
        private let word: String

        init(until word: String) { self.word = word }

        var text: String { state.withLock { $0 } }
        func begin(_ head: HTTPHead) throws(Problem) {}
        func receive(_ chunk: UnsafeRawBufferPointer) throws(Problem) {
            let text = unsafe String(decoding: chunk, as: UTF8.self)
            state.withLock { $0 += text }
        }

        func done() async throws {
            for _ in 0..<600 {
                if text.contains(word) { return }
                try await Task.sleep(for: .milliseconds(50))
            }
            Issue.record("never heard \(word)")
        }
    }
}
