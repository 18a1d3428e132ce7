import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// Reductions along axes: the definition's bits on every path, and every wrong bit found.
@Suite struct ReduceTests {
    private func kernel(_ step: String, _ dtype: DType, _ shape: [Int], _ axes: [Int], keepdims: Bool = false) throws -> any Kernel {
        try KernelRegistry.kernel(
            "reduce", params: ["operation": .string(step), "axes": .array(axes.map { .integer(Int64($0)) }), "keepdims": .bool(keepdims)],
            inputs: [TensorDescriptor(name: "x", dtype: dtype, shape: shape)])
    }

    @Test(arguments: [DType.f32, .f64], ["sum", "mean", "min", "max", "product"])
    func `bits are the definition's`(dtype: DType, step: String) throws {
        var random = TestRandom(4)
        let shapes: [([Int], [Int])] = [
            ([7], [0]), ([600], [0]), ([3, 300], [1]), ([300, 3], [0]), ([20, 37], [0]), ([17, 5], [1]), ([4, 5, 6], [1]), ([4, 5, 6], [0, 2]),
            ([3, 40, 2, 9], [1, 3]), ([2, 1, 3], [1]), ([0, 4], [1]), ([1, 1], [0, 1]), ([33, 16], [0]),
        ]
        for (index, (shape, axes)) in shapes.enumerated() {
            let kernel = try kernel(step, dtype, shape, axes)
            let x = try Tensor(zeros: kernel.inputs[0])
            Data.allCases[index % Data.allCases.count].fill(x, seed: UInt64(index))
            let expected = try kernel.reference([x])
            for backend in Backends.elementwise where kernel.capability(on: backend) != nil {
                let y = try kernel.run([x], on: backend, control: .none, limit: 1 << 20)
                #expect(y[0].buffer.bytes == expected[0].buffer.bytes, "\(step) \(shape) \(axes) \(backend.device)")
            }
            let count = expected[0].descriptor.elementCount
            for passes in [PlainPasses() as any VerifierPasses, try NativePasses(threads: 2)] {
                #expect(try kernel.verify([x], expected, challenge: random.challenge(), passes: passes).isAccepted)
                guard count > 0 else { continue }
                let place = Int(random.next() % UInt64(count))
                let wrong = try Tensor(kernel.outputs[0], TensorBuffer(expected[0].buffer.bytes))
                wrong.write([expected[0].widenedBits(place) ^ 1], from: place)
                #expect(try kernel.verify([x], [wrong], challenge: random.challenge(), passes: passes).refusal?.cell == Cell(row: 0, column: place))
            }
        }
    }

    @Test func `values and shapes by hand`() throws {
        func values(_ step: String, _ axes: [Int]) throws -> [Double] {
            let kernel = try kernel(step, .f64, [2, 3], axes)
            let x = try Tensor(zeros: kernel.inputs[0])
            x.write([1.0, 2, 3, 4, 5, 6].map { $0.bitPattern })
            let y = try kernel.reference([x])[0]
            return (0..<y.descriptor.elementCount).map { Double(bitPattern: y.widenedBits($0)) }
        }
        #expect(try values("sum", [0]) == [5, 7, 9] && values("sum", [1]) == [6, 15] && values("product", [0, 1]) == [720])
        #expect(try values("mean", [1]) == [2, 5] && values("min", [0]) == [1, 2, 3] && values("max", [1]) == [3, 6])
        #expect(try kernel("sum", .f32, [2, 3, 4], [1]).outputs[0].shape == [2, 4])
        #expect(try kernel("sum", .f32, [2, 3, 4], [1, 0], keepdims: true).outputs[0].shape == [1, 1, 4])
        #expect(try kernel("sum", .f32, [2, 3, 4], [0, 1, 2]).outputs[0].shape == [])
    }

    @Test func `specs that make no sense are refused`() throws {
        func expect(_ code: Problem.Code, _ body: () throws -> Void) {
            let problem = #expect(throws: Problem.self, performing: body)
            #expect(problem?.code == code)
        }
        expect(.badParams) { _ = try kernel("square", .f32, [3], [0]) }
        expect(.badParams) { _ = try kernel("sum", .f32, [3], []) }
        expect(.badParams) { _ = try kernel("sum", .f32, [3, 3], [0, 0]) }
        expect(.outOfRange) { _ = try kernel("sum", .f32, [3], [1]) }
        expect(.outOfRange) { _ = try kernel("sum", .f32, [3], [-1]) }
        expect(.unsupportedDtype) { _ = try kernel("mean", .i32, [3], [0]) }
        expect(.shapeMismatch) { _ = try kernel("max", .f32, [3, 0], [1]) }
    }
}
