import BackendChoice
import Foundation
import Kernels
import NativeBackend
import Testing
import Wire

@testable import OpenCLBackend

/// A device without work gives its memory back, and computes the same after.
@Suite("Devices at rest") struct RestTests {
    @Test("The next product is the same, on every backend") func products() throws {
        for backend in Backends.all {
            for dtype in [DType.i8, .f32] {
                let product = try Product(dtype, 70, 300, 260)
                guard product.kernel.capability(on: backend) != nil else { continue }
                let before = try product.run(on: backend).root
                backend.rest()
                #expect(try product.run(on: backend).root == before, "\(backend.device)")
            }
        }
    }

    @Test("Where work runs there is no rest, and nobody waits", .timeLimit(.minutes(1))) func busy() async throws {
        let native = try NativeGEMM(threads: 1, isMeasured: false)
        let chosen = MeasuredBackend(name: "cpu", members: [native], fingerprint: "test", store: NoStore())
        let product = try Product(.f32, 70, 300, 260)
        for backend in [native as any ComputeBackend, chosen] {
            let (begun, rested) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let done = AsyncStream<Bool>.makeStream()
            Thread.detachNewThread {
                // The first report comes before the product is done.
                let control = RunControl(report: { share in
                    guard share == 0 else { return }
                    begun.signal()
                    rested.wait()
                })
                done.continuation.yield((try? product.run(on: backend, control: control)) != nil)
                done.continuation.finish()
            }
            await withCheckedContinuation { waiting in
                Thread.detachNewThread {
                    begun.wait()
                    backend.rest()
                    waiting.resume()
                }
            }
            rested.signal()
            for await isDone in done.stream { #expect(isDone) }
        }
    }

    @Test("An OpenCL device gives back its buffers and the pinned memory", .enabled(if: !OpenCLDevices.backends.isEmpty, OpenCLDevices.missing))
    func buffers() throws {
        var workplace = Workplace(device: try #require(OpenCLDevices.found.first), cache: ProgramCache(folder: nil), memoryCap: 1 << 20, isShared: false)
        workplace.rest()
        let session = try workplace.open().session
        try session.pool.lend { loan throws(Problem) in _ = try loan.take(40_000) }
        #expect(session.pool.taken > 0)
        workplace.rest()
        #expect(session.pool.taken == 0)
        try session.pool.lend { loan throws(Problem) in _ = try loan.take(40_000) }
    }
}
