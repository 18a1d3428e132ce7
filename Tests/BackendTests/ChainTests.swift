import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// The chains of `compute` on our own kernels: the definition's bits, whatever the path, the threads and the data.
@Suite struct ChainTests {
    static let chains: [[ComputeStep]] =
        ComputeStep.allCases.map { [$0] } + [
            [.square, .sum], [.abs, .sqrt, .negate, .mean], [.reciprocal, .min, .negate], [.square, .sum, .sqrt, .reciprocal], [.sqrt, .relu],
            [.negate, .sum, .max, .square],
        ]

    private func kernel(_ steps: [ComputeStep], _ dtype: DType, _ count: Int) throws -> ComputeKernel {
        try ComputeKernel(
            params: ["operations": .array(steps.map { .string($0.rawValue) })], inputs: [TensorDescriptor(name: "x", dtype: dtype, shape: [count])])
    }

    @Test(arguments: [DType.f32, .f64], Data.allCases)
    func `bits are the definition's`(dtype: DType, data: Data) throws {
        for (index, steps) in Self.chains.enumerated() {
            // More than one task for a few: the definition takes its time in a debug build.
            let counts = [1, 256, 257, 2049 + index] + (index % Data.allCases.count == Data.allCases.firstIndex(of: data) ? [33_000] : [])
            for count in counts {
                let kernel = try kernel(steps, dtype, count)
                let x = try Tensor(zeros: kernel.inputs[0])
                data.fill(x, seed: UInt64(index))
                let expected = try kernel.reference([x])[0].buffer.bytes
                for backend in Backends.native {
                    let y = try kernel.run([x], on: backend, control: .none, limit: 1 << 24)
                    #expect(y[0].buffer.bytes == expected, "\(steps) \(count) \(data) \(backend.device)")
                }
            }
        }
    }

    @Test func `nothing is a legal amount`() throws {
        for steps in [[ComputeStep.square], [.sum], [.product]] {
            let kernel = try kernel(steps, .f32, 0)
            let x = try Tensor(zeros: kernel.inputs[0])
            let native = try #require(Backends.native.last)
            #expect(try kernel.run([x], on: native, control: .none, limit: 64)[0].buffer.bytes == kernel.reference([x])[0].buffer.bytes)
        }
    }

    @Test func `a run can be canceled, and other tensors are refused`() throws {
        let kernel = try kernel([.square, .sum], .f32, 1 << 20)
        let x = try Tensor(zeros: kernel.inputs[0])
        let native = try #require(Backends.native.last)
        let seen = Shares()
        let control = RunControl(report: { seen.add($0) }, isCanceled: { seen.shares.count >= 3 })
        #expect { try kernel.run([x], on: native, control: control, limit: 64) } throws: { ($0 as? Problem)?.code == .canceled }
        let other = try Tensor(zeros: try TensorDescriptor(name: "y", dtype: .f32, shape: [2]))
        #expect { try native.run(kernel.chain, x: x, into: other, control: .none) } throws: { ($0 as? Problem)?.code == .shapeMismatch }
    }

    @Test(.enabled(if: !Backends.openBLAS.isEmpty, Backends.missing))
    func `a backend without chains says so`() throws {
        let kernel = try kernel([.sum], .f64, 3)
        let blas = try #require(Backends.openBLAS.first)
        #expect(kernel.capability(on: blas) == nil)
        #expect { try kernel.run([try Tensor(zeros: kernel.inputs[0])], on: blas, control: .none, limit: 64) } throws: {
            ($0 as? Problem)?.code == .unsupportedDtype
        }
    }
}
