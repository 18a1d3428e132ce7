import ChainClient
import Foundation
import Jobs
import Kernels
import Logging
import Operations
import Profiler
import Synchronization
import Testing
import Wire

@testable import MinerNode

@Suite("A device's memory, limited while the miner runs") struct DeviceMemoryTests {
    @Test("Each change of the limit is told to every device; one that takes its time keeps nobody waiting", .timeLimit(.minutes(1)))
    func told() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("adit-memory-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (slow, quick) = (RoomyBackend("opencl:0", isSlow: true), RoomyBackend("opencl:1"))
        var allowed = OperatorLimits()
        allowed.deviceMemoryBytes = 2 << 30
        let limits = LiveLimits(allowed, usualMemory: 1 << 40, mostMemory: 1 << 40)
        let desk = LimitsDesk(
            limits: limits, devices: DevicePool([slow, quick]), http: try HTTPClient(), cache: try BlobCache("\(folder)/blobs", maxBytes: 1 << 20),
            outputs: try OutputFolder("\(folder)/outputs"), permit: WorkPermit(), events: EventSink(logger: Logger(label: "test")) { _ in },
            cacheBytes: 1 << 20)
        await desk.apply()
        var caps = quick.told.makeAsyncIterator()
        #expect(await caps.next() == .some(2 << 30))
        // Nothing new, nothing told.
        await desk.apply()
        await limits.untilChanged(since: 0)
        let generation = limits.generation
        allowed.deviceMemoryBytes = nil
        await desk.set(allowed)
        #expect(await caps.next() == .some(nil))
        // Who tells the coordinator hears of the new limits, and once more when the device has followed them.
        await limits.untilChanged(since: generation + 1)
        #expect(quick.gpu.memoryBytes == RoomyBackend.share)
        // The other one still gives back what the first limit took from it; then the last one counts.
        slow.open.signal()
        slow.open.signal()
        var late = slow.told.makeAsyncIterator()
        var last = await late.next()
        if last == .some(2 << 30) { last = await late.next() }
        #expect(last == .some(nil))
    }

    @Test("What is registered is what each accelerator gives to jobs now, never more than the machine's own limit") func registered() throws {
        let backend = RoomyBackend("opencl:0")
        let profile = WorkerProfile(
            cpuModel: "test", cores: 2, isa: [], memoryBytes: 1 << 34,
            devices: [
                WorkerDevice(kind: "cpu", name: "test", memoryBytes: 1 << 34), WorkerDevice(backend.gpu),
                WorkerDevice(kind: "gpu", name: "gone", memoryBytes: 5 << 30),
            ], f32FlopsPerSecond: 1_000_000_000, memoryBytesPerSecond: 0, blasCore: nil, softwareVersion: "0.1.0")
        let outcome = Profiler.Outcome(
            machine: .current(), bestBackend: nil, f32FlopsPerSecond: nil, memoryBytesPerSecond: nil, tier: .inference, profile: profile)
        func offered(_ bytes: Int64) -> [Int64] { outcome.offering(bytes, accelerators: [backend.gpu]).profile.devices.map(\.memoryBytes) }
        #expect(offered(1 << 34) == [1 << 34, Int64(RoomyBackend.share), 5 << 30])
        backend.useMemory(atMost: 1 << 30)
        #expect(offered(1 << 34) == [1 << 34, 1 << 30, 5 << 30])
        #expect(offered(1 << 29) == [1 << 29, 1 << 29, 1 << 29])
        backend.useMemory(atMost: nil)
        #expect(offered(1 << 34) == [1 << 34, Int64(RoomyBackend.share), 5 << 30])
    }
}

/// A device with memory of its own, which notes what it is told.
private final class RoomyBackend: ComputeBackend {
    static let share = 8 << 30
    let name: String
    let device = "a device with memory"
    let told: AsyncStream<Int?>
    /// A slow one takes a limit when this lets it.
    let open = DispatchSemaphore(value: 0)
    private let isSlow: Bool
    private let tells: AsyncStream<Int?>.Continuation
    private let cap = Mutex(RoomyBackend.share)

    init(_ name: String, isSlow: Bool = false) {
        (self.name, self.isSlow) = (name, isSlow)
        (told, tells) = AsyncStream.makeStream()
    }

    var gpu: Accelerator { Accelerator(kind: "gpu", name: name, memoryBytes: cap.withLock { $0 }) }

    var accelerator: Accelerator? { gpu }

    func useMemory(atMost byteCount: Int?) {
        if isSlow { open.wait() }
        cap.withLock { $0 = byteCount ?? Self.share }
        tells.yield(byteCount)
    }

    func capability(for gemm: GEMM) -> Capability? { nil }
    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) { throw Problem(.unsupportedDtype, "only memory") }
}
