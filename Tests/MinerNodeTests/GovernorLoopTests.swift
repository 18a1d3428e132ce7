import Foundation
import Kernels
import Logging
import Operations
import Synchronization
import Testing
import Wire

@testable import MinerNode

@Suite("The governor's loop") struct GovernorLoopTests {
    @Test("A library that waits for its work keeps nobody from the sensors; rests hold the operator's threads meanwhile", .timeLimit(.minutes(1)))
    func busy() async {
        let device = BusyDevice()
        let sensors = NotedSensors()
        let pool = DevicePool([device])
        var limits = OperatorLimits()
        limits.threads = 1
        limits.targets.utilisation = 1
        let loop = GovernorLoop(
            devices: pool, limits: LiveLimits(limits, usualMemory: 1 << 30, mostMemory: 1 << 30), sensors: sensors,
            events: EventSink(logger: Logger(label: "test")) { _ in }, cores: 4)
        let running = Task { await loop.run() }
        for await threads in device.asked {
            #expect(threads == 1)
            break
        }
        await sensors.reads(3)
        #expect(pool.all[0].pacer.duty == 0.25)
        device.work.signal()
        // One reading may be on its way while the threads are given.
        await sensors.reads(3)
        #expect(pool.all[0].pacer.duty == 1)
        running.cancel()
        await running.value
    }
}

/// A device whose library waits for the work that it does before it takes another number of threads.
private final class BusyDevice: ComputeBackend {
    let name = "cpu"
    let device = "a busy device"
    let work = DispatchSemaphore(value: 0)
    let asked: AsyncStream<Int?>
    private let asks: AsyncStream<Int?>.Continuation

    init() { (asked, asks) = AsyncStream.makeStream() }

    func capability(for gemm: GEMM) -> Capability? { nil }
    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) { throw Problem(.unsupportedDtype, "only threads") }

    func useThreads(atMost threads: Int?) {
        asks.yield(threads)
        work.wait()
    }
}

private final class NotedSensors: SensorPort {
    private let stream: AsyncStream<Void>
    private let sink: AsyncStream<Void>.Continuation

    init() { (stream, sink) = AsyncStream.makeStream() }

    func read(device: String) -> SensorReading {
        sink.yield()
        return SensorReading()
    }

    /// Waits for so many more readings.
    func reads(_ count: Int) async {
        var left = count
        for await _ in stream {
            left -= 1
            if left == 0 { return }
        }
    }
}
