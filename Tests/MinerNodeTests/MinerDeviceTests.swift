import Kernels
import Operations
import Synchronization
import Testing
import Wire

@testable import MinerNode

@Suite("A miner's device") struct MinerDeviceTests {
    @Test("It gives its memory back once after each stretch of work") func rests() async throws {
        let backend = RestingBackend()
        let device = MinerDevice(backend, policy: DeviceHealth.Policy())
        await device.rest(after: .seconds(3600))
        #expect(backend.rests == 0)
        // The profile ran on it.
        for _ in 0..<2 { await device.rest(after: .zero) }
        #expect(backend.rests == 1)
        try await device.run("test", isQuick: true, patience: .seconds(60), WorkControl()) { _ in }
        for _ in 0..<2 { await device.rest(after: .zero) }
        #expect(backend.rests == 2)
    }
}

private final class RestingBackend: ComputeBackend {
    let name = "cpu"
    let device = "a device that counts"
    private let count = Mutex(0)
    var rests: Int { count.withLock { $0 } }

    func rest() { count.withLock { $0 += 1 } }
    func capability(for gemm: GEMM) -> Capability? { nil }
    func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) { throw Problem(.unsupportedDtype, "only rests") }
}
