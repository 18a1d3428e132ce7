import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// The chains of `compute` on our own kernels: the definition's bits, whatever the path, the threads and the data.
@Suite struct ChainTests {
    static let chains: [[JSON]] =
        ComputeStep.allCases.map { [.string($0.rawValue)] } + [
            ["square", "sum"], ["abs", "sqrt", "negate", "mean"], ["reciprocal", "min", "negate"], ["square", "sum", "sqrt", "reciprocal"], ["sqrt", "relu"],
            ["negate", "sum", "max", "square"],
        ]

    /// With a number, or an element of another tensor: of b, as large as x; of r, a row; of s, one element; of x itself.
    static let operandChains: [[JSON]] =
        ComputeOperation.Combination.allCases.flatMap { combination -> [[JSON]] in
            let name = JSON.string(combination.rawValue)
            return [
                [["op": name, "value": "-0.3"]], [["op": name, "with": "b"]], [["op": name, "with": "r"]], [["op": name, "with": "s"]],
                [["op": name, "with": "x"]],
            ]
        }
        + [-1024, -3, -1, 0, 1, 2, 5, 7, 1024].map { [["op": "pow", "value": .string("\($0)")]] } + [
            [["op": "clamp", "lo": "-0.5", "hi": "0.25"]], [["op": "clamp", "lo": 0, "hi": 0]], [["op": "leaky_relu", "value": "0.01"]],
            [["op": "sub", "with": "r"], ["op": "div", "with": "s"], "sum"], ["square", ["op": "mul", "with": "b"], "mean", ["op": "add", "with": "s"]],
            ["abs", "max", ["op": "mul", "value": "-1e-3"], ["op": "pow", "value": 3]], [["op": "min", "value": "1e-40"], "min"],
        ]

    /// The kernel of a chain over [rows, columns], with the inputs that it names.
    static func kernel(_ operations: [JSON], _ dtype: DType, _ shape: [Int]) throws -> ComputeKernel {
        let shapes: [(String, [Int])] = [("b", shape), ("r", [shape[shape.count - 1]]), ("s", [1, 1])]
        let named = Set(operations.compactMap { $0["with"]?.stringValue })
        let inputs =
            try [TensorDescriptor(name: "x", dtype: dtype, shape: shape)]
            + shapes.filter { named.contains($0.0) }.map { try TensorDescriptor(name: $0.0, dtype: dtype, shape: $0.1) }
        return try ComputeKernel(params: ["operations": .array(operations)], inputs: inputs)
    }

    static func inputs(_ kernel: ComputeKernel, _ data: Data, seed: UInt64) throws -> [Tensor] {
        try kernel.inputs.enumerated().map { place, descriptor in
            let tensor = try Tensor(zeros: descriptor)
            (place == 1 && data == .normal ? .special : data).fill(tensor, seed: seed &+ UInt64(place))
            return tensor
        }
    }

    private func kernel(_ steps: [ComputeStep], _ dtype: DType, _ count: Int) throws -> ComputeKernel {
        try ComputeKernel(
            params: ["operations": .array(steps.map { .string($0.rawValue) })], inputs: [TensorDescriptor(name: "x", dtype: dtype, shape: [count])])
    }

    @Test(arguments: [DType.f32, .f64], Data.allCases)
    func `bits are the definition's`(dtype: DType, data: Data) throws {
        let turn = Data.allCases.firstIndex(of: data) ?? 0
        for (index, operations) in (Self.chains + Self.operandChains).enumerated() {
            // More than one task for a few: the definition takes its time in a debug build.
            let shapes = [[1], [257], [3, 85 + index % 7], [2049 + index]] + (index % (3 * Data.allCases.count) == turn ? [[3, 11_000]] : [])
            for shape in index % 2 == turn % 2 ? shapes : Array(shapes.prefix(3)) {
                let kernel = try Self.kernel(operations, dtype, shape)
                let inputs = try Self.inputs(kernel, data, seed: UInt64(index))
                let expected = try kernel.reference(inputs)[0].buffer.bytes
                for backend in Backends.native {
                    let y = try kernel.run(inputs, on: backend, control: .none, limit: 1 << 24)
                    #expect(y[0].buffer.bytes == expected, "\(operations) \(shape) \(data) \(backend.device)")
                }
            }
        }
    }

    @Test(arguments: [DType.f32, .f64])
    func `every wrong bit is found, and the first one named`(dtype: DType) throws {
        var random = TestRandom(11)
        let native = try NativePasses(threads: 2)
        for (index, operations) in (Self.chains + Self.operandChains).enumerated() {
            let kernel = try Self.kernel(operations, dtype, index % 5 == 0 ? [2, 17_000] : [3, 40 + index])
            let inputs = try Self.inputs(kernel, Data.allCases[index % Data.allCases.count], seed: UInt64(index))
            let backend = try #require(Backends.native.last)
            let y = try kernel.run(inputs, on: backend, control: .none, limit: 1 << 24)
            #expect(try kernel.verify(inputs, y, challenge: random.challenge(), passes: native).isAccepted)
            if index % 5 != 0 { #expect(try kernel.verify(inputs, y, challenge: random.challenge(), passes: PlainPasses()).isAccepted) }
            let count = y[0].descriptor.elementCount
            let places = [Int(random.next() % UInt64(count)), count - 1]
            let wrong = try Tensor(kernel.outputs[0], TensorBuffer(y[0].buffer.bytes))
            for place in Set(places) { wrong.write([y[0].widenedBits(place) ^ 1], from: place) }
            let report = try kernel.verify(inputs, [wrong], challenge: random.challenge(), passes: native)
            #expect(report.refusal?.cell == Cell(row: 0, column: places[0]), "\(operations)")
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
