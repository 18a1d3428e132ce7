import TestSupport
import Testing
import Wire

@testable import Kernels

@Suite struct ComputeKernelTests {
    private func kernel(_ operations: [String], _ dtype: DType = .f64, _ shape: [Int] = [5]) throws -> any Kernel {
        try KernelRegistry.kernel(
            "compute", params: ["operations": .array(operations.map { .string($0) })], inputs: [TensorDescriptor(name: "x", dtype: dtype, shape: shape)])
    }

    private func values(_ operations: [String], _ x: [Double]) throws -> [Double] {
        let kernel = try kernel(operations, .f64, [x.count])
        return try #require(try kernel.reference([try Tensor(kernel.inputs[0], x)]).first).values(Double.self)
    }

    private func expect(_ code: Problem.Code, _ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) {
        let problem = #expect(throws: Problem.self, sourceLocation: sourceLocation, performing: body)
        #expect(problem?.code == code, sourceLocation: sourceLocation)
    }

    @Test func `the sum of the squares of 1 to 5 is 55`() throws {
        #expect(try values(["square", "sum"], [1, 2, 3, 4, 5]) == [55])
    }

    @Test func `a spec gives shape, cost, price and class`() throws {
        let whole = try kernel(["square", "sqrt"], .f32, [1000, 1000])
        #expect(whole.outputs == [try TensorDescriptor(name: "y", dtype: .f32, shape: [1000, 1000])])
        #expect(whole.operations == 2_000_000 && whole.computeUnits == 2 && whole.priceUnits == 4)
        #expect(whole.arithmetic == .f32Panel256 && whole.verification == .recomputed)
        #expect(whole.memoryBytes == 8_000_000)
        let reduced = try kernel(["square", "sum", "sqrt"], .f64, [10, 3])
        #expect(reduced.outputs == [try TensorDescriptor(name: "y", dtype: .f64, shape: [])])
        #expect(reduced.operations == 61 && reduced.computeUnits == 1 && reduced.arithmetic == .f64Panel256)
    }

    @Test func `every operation by hand`() throws {
        let x = [-2.5, -0.5, 0, 0.5, 1.5, 4]
        let expected: [String: [Double]] = [
            "square": [6.25, 0.25, 0, 0.25, 2.25, 16], "negate": [2.5, 0.5, 0, -0.5, -1.5, -4], "abs": [2.5, 0.5, 0, 0.5, 1.5, 4],
            "relu": [0, 0, 0, 0.5, 1.5, 4], "floor": [-3, -1, 0, 0, 1, 4], "ceil": [-2, 0, 0, 1, 2, 4], "round": [-2, 0, 0, 0, 2, 4],
            "truncate": [-2, 0, 0, 0, 1, 4], "sum": [3], "mean": [0.5], "min": [-2.5], "max": [4], "product": [0],
        ]
        for (name, answer) in expected { #expect(try values([name], x) == answer, "\(name)") }
        #expect(try values(["sqrt"], [4, 2, 0]) == [2, 2.0.squareRoot(), 0])
        #expect(try values(["reciprocal"], [4, -0.0, .infinity]) == [0.25, -.infinity, 0])
        #expect(try values(["product"], [2, 3, -4]) == [-24])
        #expect(ComputeStep.allCases.allSatisfy { expected[$0.rawValue] != nil || $0.code >= ComputeStep.exp.code || $0 == .sqrt || $0 == .reciprocal })
    }

    @Test func `signed zeros, NaN and empty tensors follow the rule`() throws {
        // −0 is written +0 after each step, and the next one sees it so.
        #expect(try values(["negate"], [0])[0].bitPattern == 0)
        #expect(try values(["negate", "reciprocal"], [0]) == [.infinity])
        #expect(try values(["ceil", "min"], [-0.5])[0].bitPattern == 0)
        for operations in [["sqrt"], ["sqrt", "abs"], ["sqrt", "min"], ["sqrt", "max"], ["sqrt", "sum"], ["sqrt", "product"], ["sqrt", "relu"]] {
            #expect(try values(operations, [-1])[0].bitPattern == Double.canonicalNaN)
            #expect(try values(operations + ["sum"], [4, -1, 9])[0].bitPattern == Double.canonicalNaN, "\(operations)")
        }
        for name in ["min", "max"] { #expect(try values([name], [1, .nan, 2])[0].isNaN) }
        #expect(try values(["sum"], []) == [0] && values(["product"], []) == [1] && values(["square"], []).isEmpty)
        for name in ["min", "max", "mean"] { expect(.shapeMismatch) { _ = try kernel([name], .f64, [0]) } }
        expect(.shapeMismatch) { _ = try kernel(["square", "mean"], .f32, [3, 0]) }
    }

    /// 1 + 2^−24·300: one chain of binary32 would never leave 1.
    @Test func `sums go by panels`() throws {
        let kernel = try kernel(["sum"], .f32, [557])
        let x = [1] + [Float](repeating: 0, count: 255) + [Float](repeating: 0x1p-24, count: 301)
        let y = try #require(try kernel.reference([try Tensor(kernel.inputs[0], x)]).first)
        // Panel 1 holds 256·2^−24 exactly, panel 2 45·2^−24.
        #expect(y.values(Float.self) == [(1 + Float(0x1p-16)) + 45 * 0x1p-24])
        #expect(x.reduce(0, +) == 1)
    }

    /// The sum of a tensor is the product of its row with a column of ones, as gemm defines it.
    @Test func `a sum is gemm's with ones`() throws {
        var random = TestRandom(5)
        for count in [1, 255, 256, 257, 1000] {
            let x = (0..<count).map { _ in Float(random.normal()) }
            let gemm = try Shape(m: 1, n: 1, k: count).kernel(.f32)
            let expected = try gemm.reference([try Tensor(gemm.inputs[0], x), try Tensor(gemm.inputs[1], [Float](repeating: 1, count: count))])
            let sum = try kernel(["sum"], .f32, [count])
            #expect(try sum.reference([try Tensor(sum.inputs[0], x)])[0].buffer.bytes == expected[0].buffer.bytes)
        }
    }

    @Test func `specs that make no sense are refused`() throws {
        expect(.badParams) { _ = try kernel(["sinh"]) }
        expect(.badParams) { _ = try kernel([]) }
        expect(.outOfRange) { _ = try kernel([String](repeating: "abs", count: 33)) }
        expect(.unsupportedDtype) { _ = try kernel(["sum"], .i32) }
        let x = try TensorDescriptor(name: "x", dtype: .f32, shape: [2])
        expect(.missingField) { _ = try KernelRegistry.kernel("compute", params: [:], inputs: [x]) }
        expect(.missingField) { _ = try KernelRegistry.kernel("compute", params: ["operations": ["sum"]], inputs: []) }
        expect(.wrongType) { _ = try KernelRegistry.kernel("compute", params: ["operations": [1]], inputs: [x]) }
        expect(.wrongType) { _ = try KernelRegistry.kernel("compute", params: ["operations": "sum"], inputs: [x]) }
        expect(.unknownField) { _ = try KernelRegistry.kernel("compute", params: ["operations": ["sum"], "axis": 0], inputs: [x]) }
        expect(.badParams) {
            _ = try KernelRegistry.kernel(
                "compute", params: ["operations": ["sum"]], inputs: [x, try TensorDescriptor(name: "z", dtype: .f32, shape: [2])])
        }
        // 32 steps over 2^58 elements leave Int64, and no byte is taken to find out.
        expect(.outOfRange) { _ = try kernel([String](repeating: "abs", count: 32), .f32, [1 << 29, 1 << 29]) }
    }

    /// x = 1, 2, … 6 as [2, 3], with the tensors given.
    private func values(
        _ operations: JSON, _ others: [String: (shape: [Int], values: [Double])] = [:], x: [Double] = [1, 2, 3, 4, 5, 6]
    ) throws -> [Double] {
        let named = try others.sorted { $0.key < $1.key }.map { (try TensorDescriptor(name: $0.key, dtype: .f64, shape: $0.value.shape), $0.value.values) }
        let shape = try TensorDescriptor(name: "x", dtype: .f64, shape: [x.count / 3, 3])
        let kernel = try KernelRegistry.kernel("compute", params: ["operations": operations], inputs: named.map(\.0) + [shape])
        let tensors = try kernel.inputs.map { input in try Tensor(input, named.first { $0.0 == input }?.1 ?? x) }
        return try #require(try kernel.reference(tensors).first).values(Double.self)
    }

    @Test func `operands by hand`() throws {
        #expect(try values([["op": "add", "value": "2.5"]]) == [3.5, 4.5, 5.5, 6.5, 7.5, 8.5])
        #expect(try values([["op": "sub", "with": "b"]], ["b": ([3], [1, 2, 3])]) == [0, 0, 0, 3, 3, 3])
        #expect(try values([["op": "mul", "with": "b"], "sum"], ["b": ([2, 3], [6, 5, 4, 3, 2, 1])]) == [56])
        #expect(try values([["op": "div", "with": "b"]], ["b": ([], [2])]) == [0.5, 1, 1.5, 2, 2.5, 3])
        #expect(try values(["sum", ["op": "div", "with": "b"]], ["b": ([1, 1, 1], [4])]) == [5.25])
        #expect(try values(["square", ["op": "add", "with": "x"]]) == [2, 6, 12, 20, 30, 42])
        #expect(
            try values([["op": "min", "value": 3]]) == [1, 2, 3, 3, 3, 3] && values([["op": "max", "with": "b"]], ["b": ([1], [4.5])])[3...5] == [4.5, 5, 6])
        #expect(try values([["op": "min"]]) == [1] && values([["op": "square"], ["op": "sum"]]) == [91])
        #expect(try values([["op": "pow", "value": 3]]) == [1, 8, 27, 64, 125, 216] && values([["op": "pow", "value": "-2"]])[1] == 0.25)
        #expect(try values([["op": "pow", "value": 0]], x: [0, .nan, .infinity]) == [1, 1, 1])
        #expect(try values([["op": "clamp", "lo": "1.5", "hi": 4]]) == [1.5, 2, 3, 4, 4, 4])
        #expect(try values([["op": "leaky_relu", "value": "0.5"]], x: [-4, 0, 4]) == [-2, 0, 4])
        #expect(try values(["sign"], x: [-4, -0.0, 0.1]) == [-1, 0, 1] && values(["rsqrt"], x: [4, 0, .infinity]) == [0.5, .infinity, 0])
        #expect(try values(["silu"], x: [0, -.infinity, .infinity]) == [0, 0, .infinity])
        #expect(try values(["softplus"], x: [-.infinity, 1000, -1000]) == [0, 1000, 0])
        for (name, x, expected) in [("softplus", 0.0, 0.6931471805599453), ("softplus", -30, 9.357622968839737e-14), ("silu", 1, 0.7310585786300049)] {
            let value = try values([.string(name)], x: [x, 0, 0])[0]
            #expect(abs(value - expected) <= 3 * expected.ulp, "\(name)(\(x)) \(value)")
        }
        // A NaN wins, and −0 is +0.
        for name in ["add", "sub", "mul", "div", "min", "max"] {
            for other in [[Double.nan, 1, 2], [1, .nan, 2]] {
                let y = try values([["op": .string(name), "with": "b"]], ["b": ([3], other)], x: [.nan, 0.5, -0.0])
                #expect(y[0].bitPattern == Double.canonicalNaN && y[1].isNaN == other[1].isNaN && y[2].bitPattern != 1 << 63, "\(name) \(y)")
            }
        }
    }

    @Test func `operations that make no sense are refused`() throws {
        func refuse(_ code: Problem.Code, _ operations: JSON, _ b: [Int]? = nil, _ dtype: DType = .f64, sourceLocation: SourceLocation = #_sourceLocation) {
            expect(
                code,
                {
                    var inputs = [try TensorDescriptor(name: "x", dtype: .f64, shape: [2, 3])]
                    if let b { inputs.append(try TensorDescriptor(name: "b", dtype: dtype, shape: b)) }
                    _ = try KernelRegistry.kernel("compute", params: ["operations": operations], inputs: inputs)
                }, sourceLocation: sourceLocation)
        }
        for name: JSON in ["add", "pow", "clamp", "leaky_relu"] {
            refuse(.missingField, [name])
            refuse(.missingField, [["op": name]])
        }
        refuse(.missingField, [["op": "clamp", "lo": 1]])
        refuse(.missingField, [["value": 1]])
        refuse(.missingField, [["op": "add", "with": "b"]])
        refuse(.badParams, [["op": "add", "with": "b", "value": 1]], [3])
        refuse(.badParams, [["op": "clamp", "lo": 1, "hi": 0]])
        refuse(.badParams, ["square"], [3])
        refuse(.unknownField, [["op": "square", "value": 1]])
        refuse(.unknownField, [["op": "add", "value": 1, "axis": 0]])
        refuse(.wrongType, [["op": "add", "value": "one"]])
        refuse(.wrongType, [["op": "add", "value": .real(0.5)]])
        refuse(.wrongType, [["op": 1]])
        refuse(.outOfRange, [["op": "add", "value": "1e999"]])
        for exponent: JSON in [1025, "-1025", "0.5"] { refuse(.outOfRange, [["op": "pow", "value": exponent]]) }
        for shape in [[2], [1, 3], [3, 2], [6], [0], [2, 3, 1]] { refuse(.shapeMismatch, [["op": "add", "with": "b"]], shape) }
        refuse(.shapeMismatch, ["sum", ["op": "add", "with": "b"]], [3])
        refuse(.unsupportedDtype, [["op": "add", "with": "b"]], [3], .f32)
        // Beyond F32, within F64.
        expect(.outOfRange) {
            _ = try KernelRegistry.kernel(
                "compute", params: ["operations": [["op": "add", "value": "1e39"]]], inputs: [TensorDescriptor(name: "x", dtype: .f32, shape: [2])])
        }
        for (wrong, nearest) in [("sinh", "tanh"), ("neg", "negate"), ("sqr", "sqrt"), ("addd", "add"), ("leakyrelu", "leaky_relu"), ("average", "negate")] {
            #expect { _ = try kernel([wrong]) } throws: { ($0 as? Problem)?.detail.contains("nearest is \"\(nearest)\"") == true }
        }
    }

    @Test func `any wrong bit is refused, and named`() throws {
        var random = TestRandom(8)
        let whole = try kernel(["square", "negate"], .f32, [40, 30])
        let x = try Tensor(whole.inputs[0], (0..<1200).map { _ in Float(random.normal()) })
        let y = try whole.reference([x])[0]
        let accepted = try whole.verify([x], [y], challenge: try random.challenge(), passes: PlainPasses())
        #expect(accepted.isAccepted && accepted.effort.cells == 1200 && accepted.verification == .recomputed)
        for place in [0, 777, 1199] {
            let wrong = try y.changing(UInt32.self) { $0[place] ^= 1 }
            let refusal = try whole.verify([x], [wrong], challenge: try random.challenge(), passes: PlainPasses()).refusal
            #expect(refusal?.cell == Cell(row: 0, column: place) && refusal?.output == "y")
        }
        let sum = try kernel(["sum"], .f64, [3])
        let numbers = try Tensor(sum.inputs[0], [1.0, 2, 3])
        let wrong = try Tensor(sum.outputs[0], [Double(6).nextUp])
        #expect(try !sum.verify([numbers], [wrong], challenge: try random.challenge(), passes: PlainPasses()).isAccepted)
        expect(.shapeMismatch) { _ = try sum.verify([numbers], [y], challenge: try random.challenge(), passes: PlainPasses()) }
    }
}
