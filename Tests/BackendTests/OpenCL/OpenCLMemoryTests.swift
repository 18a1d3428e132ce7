import BackendChoice
import Foundation
import Kernels
import Testing
import Wire

@testable import OpenCLBackend

/// The cap of a device's memory, changed while the device is open.
@Suite("An OpenCL device's memory", .enabled(if: !OpenCLDevices.backends.isEmpty, OpenCLDevices.missing)) struct OpenCLMemoryTests {
    /// A device of the test's own, whose memory isn't the host's: blocks are seen in its progress.
    private static func opened() throws -> OpenCLBackend {
        var options = OpenCLDevices.options
        options.sharesMemory = false
        return try OpenCLBackend(try #require(OpenCLDevices.found.first), index: 0, options: options)
    }

    private static func taken(_ backend: OpenCLBackend) throws -> Int {
        try backend.work { workplace throws(Problem) in try workplace.open().session.pool.taken }
    }

    /// A and B packed are over 600 KB.
    private static let product = Result { try Product(.f32, 300, 261, 290) }

    @Test("A new cap counts for the next job, and what is kept above it goes back") func live() throws {
        let backend = try Self.opened()
        let product = try Self.product.get()
        let share = backend.memoryCap
        func blocks() throws -> (root: Digest, count: Int) {
            let seen = Shares()
            let root = try product.run(on: backend, control: RunControl(report: { seen.add($0) })).root
            return (root, seen.shares.count)
        }
        let whole = try blocks()
        #expect(try Self.taken(backend) > 900_000)

        backend.useMemory(atMost: 900_000)
        #expect(backend.memoryCap == 900_000)
        #expect(try Self.taken(backend) <= 900_000)
        let cut = try blocks()
        #expect(cut.root == whole.root && cut.count > whole.count, "\(cut.count) reports, \(whole.count) before")
        #expect(try Self.taken(backend) <= 900_000)

        backend.useMemory(atMost: nil)
        #expect(backend.memoryCap == share)
        let again = try blocks()
        #expect(again.root == whole.root && again.count == whole.count)
        backend.useMemory(atMost: .max)
        #expect(backend.memoryCap == backend.description.memoryBytes)
        backend.useMemory(atMost: -1)
        #expect(backend.memoryCap == 1)
    }

    @Test("A job that runs keeps what it holds; nobody waits for it, and its end gives back what is above the cap", .timeLimit(.minutes(1)))
    func busy() throws {
        let backend = try Self.opened()
        let product = try Self.product.get()
        let expected = try product.run(on: backend).root
        backend.rest()
        // The job's own thread sets the cap: a backend that waited for the job would never come back.
        let told = Shares()
        let control = RunControl(report: { share in
            guard share > 0, share < 1 else { return }
            told.add(share)
            backend.useMemory(atMost: 100_000)
        })
        #expect(try product.run(on: backend, control: control).root == expected)
        #expect(!told.shares.isEmpty)
        #expect(try Self.taken(backend) <= 100_000)
    }

    @Test("What fits no more is not promised, and refused as too large where it comes all the same") func tooLarge() throws {
        let backend = try Self.opened()
        let x = try Tensor(zeros: TensorDescriptor(name: "x", dtype: .f32, shape: [300, 1_000]))
        let kernel = try ReduceKernel(params: ["operation": "mean", "axes": [0]], inputs: [x.descriptor])
        guard case .rounded(let reduction) = kernel.work, backend.capability(for: reduction) != nil else { return }
        let y = try Tensor(zeros: kernel.outputs[0])
        backend.useMemory(atMost: 1 << 20)
        #expect(backend.capability(for: reduction) == nil)
        #expect { try backend.run(reduction, x: x, into: y, control: .none) } throws: { ($0 as? Problem)?.code == .memoryLimit }
        let rows = try SoftmaxKernel(params: [:], inputs: [TensorDescriptor(name: "x", dtype: .f32, shape: [2, 150_000])])
        #expect(backend.capability(for: rows.work) == nil)
        let wide = try Tensor(zeros: rows.inputs[0])
        #expect {
            try backend.run(rows.work, x: wide, gamma: nil, beta: nil, into: try Tensor(zeros: rows.outputs[0]), control: .none)
        } throws: {
            ($0 as? Problem)?.code == .memoryLimit
        }
        backend.useMemory(atMost: nil)
        #expect(backend.capability(for: reduction) != nil && backend.capability(for: rows.work) != nil)
        try backend.run(reduction, x: x, into: y, control: .none)
    }

    @Test("The choice among backends passes it on") func choice() throws {
        let backend = try Self.opened()
        MeasuredBackend(name: "all", members: [backend], fingerprint: "test", store: NoStore()).useMemory(atMost: 1 << 20)
        #expect(backend.memoryCap == 1 << 20)
    }

    @Test("The least that a limit can say is enough for every product that a device is tested with") func least() throws {
        let backend = try Self.opened()
        backend.useMemory(atMost: 1 << 20)
        for dtype in [DType.i8, .f32, .f64] {
            let product = try Product(dtype, 130, 97, 270, true)
            guard product.kernel.capability(on: backend) != nil else { continue }
            #expect(try product.run(on: backend).root == product.reference().root, "\(dtype)")
        }
    }
}
