import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// Softmax and layer normalisation: the definition's bits on every path, and every wrong bit found.
@Suite struct RowWorkTests {
    private func kernel(_ name: String, _ params: JSON, _ dtype: DType, _ shape: [Int], _ extra: [String] = []) throws -> any Kernel {
        try KernelRegistry.kernel(
            name, params: params,
            inputs: [TensorDescriptor(name: "x", dtype: dtype, shape: shape)]
                + extra.map { (name) throws in try TensorDescriptor(name: name, dtype: dtype, shape: [shape.last ?? 0]) })
    }

    private func passes(_ set: InstructionSet) throws -> NativePasses { try NativePasses(threads: 2, instructionSet: set) }

    private func compare(_ kernel: any Kernel, _ data: Data) throws {
        var inputs: [Tensor] = []
        for (index, descriptor) in kernel.inputs.enumerated() {
            let tensor = try Tensor(zeros: descriptor)
            data.fill(tensor, seed: UInt64(index + 1))
            inputs.append(tensor)
        }
        let expected = try kernel.reference(inputs)
        var random = TestRandom(9)
        for backend in Backends.elementwise where kernel.capability(on: backend) != nil {
            let y = try kernel.run(inputs, on: backend, control: .none, limit: 1 << 24)
            #expect(y[0].buffer.bytes == expected[0].buffer.bytes, "\(kernel.name) \(kernel.inputs) \(data) \(backend.device)")
        }
        let count = expected[0].descriptor.elementCount
        for passes in [PlainPasses() as any VerifierPasses] + InstructionSet.allCases.filter(\.isAvailable).map({ try? self.passes($0) }).compactMap({ $0 }) {
            #expect(try kernel.verify(inputs, expected, challenge: random.challenge(), passes: passes).isAccepted)
            guard count > 0 else { continue }
            let place = Int(random.next() % UInt64(count))
            let wrong = try Tensor(kernel.outputs[0], TensorBuffer(expected[0].buffer.bytes))
            wrong.write([expected[0].widenedBits(place) ^ 1], from: place)
            let refusal = try kernel.verify(inputs, [wrong], challenge: random.challenge(), passes: passes).refusal
            #expect(refusal?.cell == Cell(row: 0, column: place))
        }
    }

    @Test(arguments: [DType.f32, .f64], Data.allCases)
    func `bits are the definition's`(dtype: DType, data: Data) throws {
        for shape in [[1, 1], [3, 7], [2, 3, 16], [9, 257], [17, 31], [0, 5], [1, 700], [8, 256]] {
            try compare(kernel("softmax", [:], dtype, shape), data)
            try compare(kernel("layernorm", [:], dtype, shape), data)
        }
        for extra in [["gamma"], ["beta"], ["gamma", "beta"]] { try compare(kernel("layernorm", ["epsilon": "0.001"], dtype, [10, 33], extra), data) }
    }

    @Test func `values are right`() throws {
        let softmax = try kernel("softmax", [:], .f64, [2, 3])
        let x = try Tensor(zeros: softmax.inputs[0])
        x.write([1.0, 2, 3, 1000, -.infinity, 1000].map { $0.bitPattern })
        let y = try softmax.reference([x])[0]
        let values = (0..<6).map { Double(bitPattern: y.widenedBits($0)) }
        // e^(i−3)/(1 + e^−1 + e^−2), from a table of 20 digits.
        for (found, right) in zip(values, [0.090_030_573_170_380_46, 0.244_728_471_054_797_65, 0.665_240_955_774_821_9, 0.5, 0, 0.5]) {
            #expect((found - right).magnitude <= 2e-16)
        }
        let norm = try kernel("layernorm", ["epsilon": "0"], .f64, [1, 4])
        let z = try Tensor(zeros: norm.inputs[0])
        z.write([1.0, 3, 5, 7].map { $0.bitPattern })
        let n = try norm.reference([z])[0]
        // Mean 4, variance 5.
        for (index, d) in [-3.0, -1, 1, 3].enumerated() { #expect((Double(bitPattern: n.widenedBits(index)) - d / 5.0.squareRoot()).magnitude <= 4e-16) }
    }

    @Test func `specs that make no sense are refused`() throws {
        func expect(_ code: Problem.Code, _ body: () throws -> Void) {
            let problem = #expect(throws: Problem.self, performing: body)
            #expect(problem?.code == code)
        }
        expect(.unsupportedDtype) { _ = try kernel("softmax", [:], .i32, [2, 2]) }
        expect(.shapeMismatch) { _ = try kernel("softmax", [:], .f32, []) }
        expect(.shapeMismatch) { _ = try kernel("softmax", [:], .f32, [3, 0]) }
        expect(.unknownField) { _ = try kernel("softmax", ["axis": 0], .f32, [3, 2]) }
        expect(.badParams) { _ = try kernel("softmax", [:], .f32, [3, 2], ["gamma"]) }
        expect(.badParams) { _ = try kernel("layernorm", [:], .f32, [3, 2], ["delta"]) }
        expect(.outOfRange) { _ = try kernel("layernorm", ["epsilon": "-1"], .f32, [3, 2]) }
        let units = try kernel("softmax", [:], .f32, [1000, 1000])
        #expect(units.operations == 5_000_000 && units.computeUnits == 5 && units.priceUnits == 10 && units.verification == .recomputed)
    }
}
