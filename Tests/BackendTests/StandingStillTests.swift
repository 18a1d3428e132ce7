import Foundation
import Kernels
import NativeBackend
import Synchronization
import Testing
import Wire

@Suite("Work that stands still") struct StandingStillTests {
    /// Holds a run once, for half a second, from the first report at or above a share on.
    private final class OneHold: RunBrake {
        private let state = Mutex((isDue: false, isDone: false))
        private let shares = Mutex<[Double]>([])
        static let length = 0.5

        var isOn: Bool { state.withLock { $0.isDue && !$0.isDone } }

        func wait() {
            Thread.sleep(forTimeInterval: Self.length)
            state.withLock { $0.isDone = true }
        }

        func note(_ share: Double, from start: Double) {
            shares.withLock { $0.append(share) }
            if share >= start { state.withLock { $0.isDue = true } }
        }

        /// The share before the hold, and the next one after it.
        func around(_ start: Double) -> (before: Double, after: Double)? {
            shares.withLock { shares in
                guard let index = shares.firstIndex(where: { $0 >= start }), index + 1 < shares.count else { return nil }
                return (shares[index], shares[index + 1])
            }
        }
    }

    private func run(_ kernel: any Kernel, threads: Int) throws -> (before: Double, after: Double) {
        let inputs = try kernel.inputs.map { try RandomTensor(seed: SHA256.hash(utf8: $0.name), descriptor: $0).generate() }
        let device = try NativeGEMM(threads: threads, isMeasured: false)
        let hold = OneHold()
        let apart = TimeApart()
        let control = RunControl(report: { hold.note($0, from: 0.1) }, brake: hold, apart: apart)
        let held = try kernel.run(inputs, on: device, control: control, limit: .max)
        #expect(apart.total >= .seconds(OneHold.length))
        #expect(apart.total < .seconds(10))
        let free = try kernel.run(inputs, on: device, control: .none, limit: .max)
        #expect(held.map(\.root) == free.map(\.root))
        return try #require(hold.around(0.1))
    }

    @Test("All threads of a product stand still, and the product is the same", arguments: [1, 2]) func product(threads: Int) throws {
        let kernel = try GEMMKernel(
            params: [:],
            inputs: [try TensorDescriptor(name: "a", dtype: .f32, shape: [1024, 1024]), try TensorDescriptor(name: "b", dtype: .f32, shape: [1024, 1024])])
        let (before, after) = try run(kernel, threads: threads)
        // What the other thread was at is finished; half a second more would have been all of it.
        #expect(after - before < 0.5)
    }

    @Test("So do those of a chain") func chain() throws {
        let kernel = try ComputeKernel(
            params: ["operations": ["exp", "log", "tanh", "erf", "sqrt"]], inputs: [try TensorDescriptor(name: "x", dtype: .f64, shape: [2_000_000])])
        let (before, after) = try run(kernel, threads: 2)
        #expect(after - before < 0.5)
    }

    @Test("A backend takes fewer threads, and as many as at its start again, with the same bits") func threads() throws {
        let device = try NativeGEMM(threads: 4, isMeasured: false)
        let kernel = try GEMMKernel(
            params: [:],
            inputs: [try TensorDescriptor(name: "a", dtype: .f32, shape: [200, 300]), try TensorDescriptor(name: "b", dtype: .f32, shape: [300, 100])])
        let inputs = try kernel.inputs.map { try RandomTensor(seed: SHA256.hash(utf8: $0.name), descriptor: $0).generate() }
        var roots: Set<Digest> = []
        for (wanted, got) in [(Int?.none, 4), (1, 1), (3, 3), (9, 4), (0, 1), (nil, 4)] {
            device.useThreads(atMost: wanted)
            #expect(device.threads == got)
            roots.insert(try kernel.run(inputs, on: device, control: .none, limit: .max)[0].root)
        }
        #expect(roots.count == 1)
    }
}
