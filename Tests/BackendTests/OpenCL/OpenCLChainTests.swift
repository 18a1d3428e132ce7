import Testing
import Wire

@testable import Kernels
@testable import OpenCLBackend

@Suite(.enabled(if: !OpenCLDevices.backends.isEmpty, OpenCLDevices.missing)) struct OpenCLChainTests {
    private func kernel(_ steps: [ComputeStep], _ dtype: DType, _ count: Int) throws -> ComputeKernel {
        try ComputeKernel(
            params: ["operations": .array(steps.map { .string($0.rawValue) })], inputs: [TensorDescriptor(name: "x", dtype: dtype, shape: [count])])
    }

    /// One program for many steps: compiling is what takes time.
    @Test(arguments: [DType.f32, .f64])
    func `bits are the definition's`(dtype: DType) throws {
        let chains: [[ComputeStep]] = [
            [.square, .negate, .abs, .sqrt, .reciprocal], [.relu, .floor, .negate, .ceil], [.round], [.truncate, .sum], [.product, .square], [.abs, .mean],
            [.min, .negate], [.max], [.exp], [.log], [.tanh], [.erf, .gelu], [.sigmoid, .geluTanh, .sum],
        ]
        for (index, steps) in chains.enumerated() {
            for (count, data) in [(1, Data.normal), (257, .special), (2049 + index, .subnormal), (700, .huge), (512, .negativeZero)] {
                let kernel = try kernel(steps, dtype, count)
                let x = try Tensor(zeros: kernel.inputs[0])
                data.fill(x, seed: UInt64(index))
                let expected = try kernel.reference([x])[0].buffer.bytes
                for backend in OpenCLDevices.backends where backend.capability(for: kernel.chain) != nil {
                    let y = try Tensor(zeros: kernel.outputs[0])
                    try backend.run(kernel.chain, x: x, into: y, control: .none)
                    #expect(y.buffer.bytes == expected, "\(steps) \(count) \(data) \(backend.device)")
                }
            }
        }
    }

    /// Numbers and other tensors, of every shape that fits.
    @Test(arguments: [DType.f32, .f64])
    func `operands give the definition's bits`(dtype: DType) throws {
        let all = ComputeOperation.Combination.allCases.map(\.rawValue)
        let chains: [[JSON]] =
            ["b", "r", "s", "x"].map { name in all.map { ["op": .string($0), "with": .string(name)] } } + [
                all.map { ["op": .string($0), "value": "-0.3"] },
                ["sign", "rsqrt", ["op": "clamp", "lo": "-0.5", "hi": "0.25"], ["op": "leaky_relu", "value": "0.01"]],
                [["op": "pow", "value": "-3"], ["op": "pow", "value": 7]], [["op": "pow", "value": 0]],
                [["op": "sub", "with": "r"], ["op": "div", "with": "b"], "sum", ["op": "mul", "with": "s"]],
            ]
        for (index, operations) in chains.enumerated() {
            for (shape, data) in [([1], Data.normal), ([3, 85], .special), ([2049 + index], .subnormal), ([100, 7], .huge), ([512], .negativeZero)] {
                let kernel = try ChainTests.kernel(operations, dtype, shape)
                let inputs = try ChainTests.inputs(kernel, data, seed: UInt64(index))
                let expected = try kernel.reference(inputs)[0].buffer.bytes
                for backend in OpenCLDevices.backends where backend.capability(for: kernel.chain) != nil {
                    let y = try kernel.run(inputs, on: backend, control: .none, limit: 1 << 20)
                    #expect(y[0].buffer.bytes == expected, "\(operations) \(shape) \(data) \(backend.device)")
                }
            }
        }
    }

    @Test func `operands go by stretches too`() throws {
        let device = try #require(OpenCLDevices.found.first)
        var workplace = Workplace(device: device, cache: ProgramCache(folder: OpenCLDevices.folder), memoryCap: 1 << 20, isShared: false)
        for shape in [[300, 333], [99_900]] {
            let kernel = try ChainTests.kernel([["op": "sub", "with": "b"], ["op": "mul", "with": shape.count == 2 ? "r" : "x"]], .f32, shape)
            let inputs = try ChainTests.inputs(kernel, .normal, seed: 5)
            let y = try Tensor(zeros: kernel.outputs[0])
            try workplace.compute(kernel.chain, inputs[0], [inputs[1], shape.count == 2 ? inputs[2] : inputs[0]], into: y, .none)
            #expect(try y.buffer.bytes == kernel.reference(inputs)[0].buffer.bytes)
        }
    }

    @Test func `long chains go by stretches, report and can be canceled`() throws {
        let device = try #require(OpenCLDevices.found.first)
        // A quarter of the cap for each of four buffers.
        var workplace = Workplace(device: device, cache: ProgramCache(folder: OpenCLDevices.folder), memoryCap: 1 << 20, isShared: false)
        let kernel = try kernel([.round], .f32, 300_000)
        let x = try Tensor(zeros: kernel.inputs[0])
        Data.normal.fill(x, seed: 5)
        let y = try Tensor(zeros: kernel.outputs[0])
        let seen = Shares()
        try workplace.compute(kernel.chain, x, into: y, RunControl(report: { seen.add($0) }))
        #expect(seen.shares.count > 4 && seen.shares == seen.shares.sorted() && seen.shares.last == 1)
        #expect(try y.buffer.bytes == kernel.reference([x])[0].buffer.bytes)
        let stopped = Shares()
        let control = RunControl(report: { stopped.add($0) }, isCanceled: { stopped.shares.count >= 2 })
        #expect { try workplace.compute(kernel.chain, x, into: y, control) } throws: { ($0 as? Problem)?.code == .canceled }
    }

    @Test func `nothing is a legal amount`() throws {
        for steps in [[ComputeStep.square], [.sum], [.product]] {
            let kernel = try kernel(steps, .f32, 0)
            let x = try Tensor(zeros: kernel.inputs[0])
            for backend in OpenCLDevices.backends where backend.capability(for: kernel.chain) != nil {
                let y = try Tensor(zeros: kernel.outputs[0])
                try backend.run(kernel.chain, x: x, into: y, control: .none)
                #expect(try y.buffer.bytes == kernel.reference([x])[0].buffer.bytes)
            }
        }
    }
}
