import TestSupport
import Testing
import Wire

@testable import Kernels

/// `conv2d` by its plain definition: parameters, cost, classes, refusals.
@Suite struct ConvolutionKernelTests {
    private func kernel(_ params: JSON = [:], x: [Int], w: [Int], _ dtype: DType = .f32) throws -> Conv2DKernel {
        try Conv2DKernel(
            params: params, inputs: [TensorDescriptor(name: "x", dtype: dtype, shape: x), TensorDescriptor(name: "w", dtype: dtype, shape: w)])
    }

    @Test func `shapes, cost and classes`() throws {
        let one = try kernel(
            ["stride": .array([2, 1]), "padding": .array([3, 0]), "dilation": .array([1, 2]), "groups": 2], x: [3, 4, 9, 11], w: [64, 2, 5, 3])
        #expect(one.outputs[0].shape == [3, 64, 6, 7] && one.outputs[0].dtype == .f32)
        #expect(one.operations == 2 * 3 * 64 * 6 * 7 * 2 * 5 * 3)
        #expect(one.verification.name == "numeric" && one.arithmetic == .f32 && one.priceUnits == one.computeUnits)
        let depthwise = try kernel(["groups": 4], x: [3, 4, 9, 11], w: [8, 1, 3, 3], .i8)
        #expect(depthwise.verification == .recomputed && depthwise.arithmetic == .i32Exact && depthwise.priceUnits == 2 * depthwise.computeUnits)
        #expect(try kernel(x: [1, 3, 4, 4], w: [32, 3, 1, 1], .i8).verification == .exact(vectors: 1))
    }

    @Test func `bad jobs are refused before memory is taken`() throws {
        let cases: [(JSON, [Int], [Int], Problem.Code)] = [
            ([:], [1, 4, 5, 5], [8, 3, 3, 3], .shapeMismatch), ([:], [0, 4, 5, 5], [8, 4, 3, 3], .shapeMismatch),
            ([:], [1, 4, 2, 5], [8, 4, 3, 3], .shapeMismatch), ([:], [1, 4, 5], [8, 4, 3, 3], .shapeMismatch),
            (["groups": 3], [1, 4, 5, 5], [8, 1, 3, 3], .badParams), (["groups": 0], [1, 4, 5, 5], [8, 4, 3, 3], .outOfRange),
            (["stride": .array([0, 1])], [1, 4, 5, 5], [8, 4, 3, 3], .badParams), (["stride": .array([1])], [1, 4, 5, 5], [8, 4, 3, 3], .badParams),
            (["dilation": .array([1, 0])], [1, 4, 5, 5], [8, 4, 3, 3], .badParams), (["padding": .array([-1, 0])], [1, 4, 5, 5], [8, 4, 3, 3], .outOfRange),
            (["padding": .array(["a", 0])], [1, 4, 5, 5], [8, 4, 3, 3], .notAnInteger),
            (["pads": .array([1, 0])], [1, 4, 5, 5], [8, 4, 3, 3], .unknownField),
            ([:], [1, 4096, 5, 5], [8, 4096, 3, 3], .tooLong), (["dilation": .array([2_147_483_647, 1])], [1, 4, 5, 5], [8, 4, 3, 3], .shapeMismatch),
            (["padding": .array([2_147_483_647, 2_147_483_647])], [2_147_483_647, 1, 1, 1], [2_147_483_647, 1, 1, 1], .outOfRange),
        ]
        for (params, x, w, code) in cases {
            #expect { try kernel(params, x: x, w: w) } throws: { ($0 as? Problem)?.code == code }
        }
    }

    @Test func `dtypes and inputs`() throws {
        let x = try TensorDescriptor(name: "x", dtype: .f32, shape: [1, 1, 3, 3])
        let w = try TensorDescriptor(name: "w", dtype: .i8, shape: [1, 1, 3, 3])
        #expect { try Conv2DKernel(params: [:], inputs: [x, w]) } throws: { ($0 as? Problem)?.code == .unsupportedDtype }
        #expect { try Conv2DKernel(params: [:], inputs: [x]) } throws: { ($0 as? Problem)?.code == .missingField }
        #expect { try Conv2DKernel(params: [:], inputs: [x, w, x]) } throws: { ($0 as? Problem)?.code == .badParams }
        #expect(
            try KernelRegistry.kernel("conv2d", params: [:], inputs: [x, try TensorDescriptor(name: "w", dtype: .f32, shape: [1, 1, 3, 3])]).operations == 18)
    }

    @Test func `the definition's numbers`() throws {
        // A 3 × 3 image, a 2 × 2 kernel, padded by one above and below.
        let kernel = try kernel(["padding": .array([1, 0])], x: [1, 1, 3, 3], w: [1, 1, 2, 2])
        let x = try Tensor(kernel.inputs[0], (1...9).map { Float($0) })
        let w = try Tensor(kernel.inputs[1], [1, 10, 100, 1000].map { Float($0) })
        let y = try kernel.reference([x, w])[0].values(Float.self)
        #expect(y == [2100, 3200, 5421, 6532, 8754, 9865, 87, 98])
    }

    /// Random numbers for a kernel's inputs.
    private func inputs(_ kernel: Conv2DKernel, seed: String) throws -> [Tensor] {
        try kernel.inputs.map { try RandomTensor(seed: SHA256.hash(utf8: "\(seed) \($0.name)"), descriptor: $0).generate() }
    }

    @Test(arguments: [DType.i8, .f32])
    func `the definition is accepted, a wrong cell refused`(dtype: DType) throws {
        var random = TestRandom(4)
        for (params, x, w) in [
            (["stride": .array([2, 1]), "padding": .array([1, 2])] as JSON, [2, 2, 5, 4], [33, 2, 3, 3]),
            (["groups": 2, "dilation": .array([1, 2])], [1, 4, 5, 7], [64, 2, 2, 3]),
            (["groups": 3, "padding": .array([1, 1])], [2, 3, 4, 4], [6, 1, 3, 3]),
        ] {
            let kernel = try kernel(params, x: x, w: w, dtype)
            let inputs = try inputs(kernel, seed: "\(x)")
            let y = try kernel.reference(inputs)[0]
            #expect(try kernel.verify(inputs, [y], challenge: try random.challenge(), passes: PlainPasses()).isAccepted)
            let cell = Int(random.next() % UInt64(y.descriptor.elementCount))
            let wrong =
                dtype == .i8 ? try y.changing(Int32.self) { $0[cell] ^= 1 } : try y.changing(Float.self) { $0[cell] += 0.25 }
            let report = try kernel.verify(inputs, [wrong], challenge: try random.challenge(), passes: PlainPasses())
            #expect(report.refusal?.cell == Cell(row: 0, column: cell), "\(params) \(report)")
        }
    }

    @Test func `a bias and an activation follow the convolution`() throws {
        let x = try TensorDescriptor(name: "x", dtype: .f32, shape: [2, 3, 5, 4])
        let w = try TensorDescriptor(name: "w", dtype: .f32, shape: [33, 3, 3, 3])
        let bias = try TensorDescriptor(name: "bias", dtype: .f32, shape: [33])
        let kernel = try Conv2DKernel(params: ["activation": "relu", "padding": .array([1, 1])], inputs: [x, w, bias])
        #expect(kernel.outputs.map(\.name) == ["y", "product"] && kernel.intermediates == ["product"] && kernel.verification.name == "numeric")
        let inputs = try inputs(kernel, seed: "epilogue")
        let right = try kernel.reference(inputs)
        let plain = try Conv2DKernel(params: ["padding": .array([1, 1])], inputs: [x, w]).reference(Array(inputs.prefix(2)))[0]
        #expect(right[1].buffer.bytes == plain.buffer.bytes)
        let (values, sums, biases) = (right[0].values(Float.self), plain.values(Float.self), inputs[2].values(Float.self))
        #expect(values.indices.allSatisfy { values[$0] == max(0, sums[$0] + biases[$0 / 20 % 33]) })
        var random = TestRandom(5)
        let passes = PlainPasses()
        #expect(try kernel.verify(inputs, right, challenge: try random.challenge(), passes: passes).isAccepted)
        // The bias left out, that of the next channel, the activation left out, a wrong convolution with what rightly follows it.
        let epilogue = try #require(kernel.epilogue)
        let without = try Epilogue(activation: .relu, hasBias: false, dtype: .f32, rows: 2, columns: 33, plane: 20)
        let linear = try Epilogue(activation: .none, hasBias: true, dtype: .f32, rows: 2, columns: 33, plane: 20)
        let next = try inputs[2].changing(Float.self) { bias in
            let first = bias[0]
            for index in 0..<32 { bias[index] = bias[index + 1] }
            bias[32] = first
        }
        let wrong = try right[1].changing(Float.self) { $0[77] += 0.25 }
        var cheats: [(Tensor, Tensor)] = []
        for (epilogue, product, bias) in [(without, right[1], nil), (epilogue, right[1], next), (linear, right[1], inputs[2]), (epilogue, wrong, inputs[2])] {
            let y = try Tensor(zeros: kernel.outputs[0])
            epilogue.fill(y, product: product, bias: bias)
            cheats.append((y, product))
        }
        for (y, product) in cheats {
            let report = try kernel.verify(inputs, [y, product], challenge: try random.challenge(), passes: passes)
            #expect(!report.isAccepted)
        }
        #expect(try kernel.verify(inputs, [cheats[3].0, wrong], challenge: try random.challenge(), passes: passes).refusal?.output == "product")
        let narrow = try TensorDescriptor(name: "bias", dtype: .f32, shape: [32])
        #expect { try Conv2DKernel(params: [:], inputs: [x, w, narrow]) } throws: { ($0 as? Problem)?.code == .shapeMismatch }
        #expect { try Conv2DKernel(params: ["activation": "tanh"], inputs: [x, w]) } throws: { ($0 as? Problem)?.code == .badParams }
        let bytes = try [x, w].map { try TensorDescriptor(name: $0.name, dtype: .i8, shape: $0.shape) }
        #expect { try Conv2DKernel(params: ["activation": "relu"], inputs: bytes) } throws: { ($0 as? Problem)?.code == .unsupportedDtype }
    }

    @Test func `infinite weights and inputs over five percent are not for sale`() throws {
        let kernel = try kernel(["padding": .array([1, 1])], x: [2, 2, 9, 9], w: [40, 2, 3, 3])
        let inputs = try inputs(kernel, seed: "special")
        try kernel.admit(inputs, passes: PlainPasses())
        let corner = try inputs[0].changing(Float.self) { $0[0] = .nan }
        try kernel.admit([corner, inputs[1]], passes: PlainPasses())
        let middle = try inputs[0].changing(Float.self) { $0[9 * 4 + 4] = .infinity }
        #expect { try kernel.admit([middle, inputs[1]], passes: PlainPasses()) } throws: { ($0 as? Problem)?.code == .nonFiniteInput }
        let weights = try inputs[1].changing(Float.self) { for output in 0..<3 { $0[output * 18 + 5] = .infinity } }
        #expect { try kernel.admit([inputs[0], weights], passes: PlainPasses()) } throws: { ($0 as? Problem)?.code == .nonFiniteInput }
    }
}
