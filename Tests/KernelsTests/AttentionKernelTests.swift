import TestSupport
import Testing
import Wire

@testable import Kernels

/// The kernel `attention`: its spec, its cost, its definition, and its check with the plain passes.
@Suite struct AttentionKernelTests {
    static func kernel(
        _ q: [Int], _ k: [Int], dtype: DType = .f32, v: [Int]? = nil, params: JSON = [:]
    ) throws(Problem) -> AttentionKernel {
        try AttentionKernel(
            params: params,
            inputs: [
                TensorDescriptor(name: "q", dtype: dtype, shape: q), TensorDescriptor(name: "k", dtype: dtype, shape: k),
                TensorDescriptor(name: "v", dtype: dtype, shape: v ?? k),
            ])
    }

    private func code(_ body: () throws(Problem) -> AttentionKernel) -> Problem.Code? {
        do throws(Problem) {
            _ = try body()
            return nil
        } catch { return error.code }
    }

    @Test func `the spec says shape, cost and class`() throws {
        let kernel = try Self.kernel([2, 3, 5, 8], [2, 3, 7, 8])
        #expect(kernel.outputs == [try TensorDescriptor(name: "o", dtype: .f32, shape: [2, 3, 5, 8])])
        #expect(kernel.operations == 4 * 2 * 3 * 5 * 7 * 8)
        #expect(kernel.arithmetic == .f32)
        #expect(kernel.attention.scale == 1 / 8.0.squareRoot())
        #expect(kernel.verification.json["checked"] == .integer(30))
        #expect(try Self.kernel([1, 12, 4096, 64], [1, 12, 4096, 64]).verification.json["checked"] == .integer(512))
        let narrow = try Self.kernel([1, 1, 4, 2], [1, 1, 4, 2], dtype: .bf16, params: ["causal": true, "scale": "0.25"])
        #expect(narrow.arithmetic == .bf16F32)
        #expect(narrow.outputs[0].dtype == .f32)
        #expect(narrow.attention.isCausal && narrow.attention.scale == 0.25)
    }

    @Test func `bad specs are refused with their codes`() throws {
        let shape = [1, 2, 4, 8]
        #expect(code { () throws(Problem) in try Self.kernel([1, 2, 3, 8], shape, params: ["causal": true]) } == .shapeMismatch)
        #expect(code { () throws(Problem) in try Self.kernel([1, 2, 3, 7], shape) } == .shapeMismatch)
        #expect(code { () throws(Problem) in try Self.kernel([2, 2, 4, 8], shape) } == .shapeMismatch)
        #expect(code { () throws(Problem) in try Self.kernel([2, 4, 8], [2, 4, 8]) } == .shapeMismatch)
        #expect(code { () throws(Problem) in try Self.kernel(shape, shape, v: [1, 2, 5, 8]) } == .shapeMismatch)
        #expect(code { () throws(Problem) in try Self.kernel([1, 2, 4, 8], [1, 2, 0, 8]) } == .shapeMismatch)
        #expect(code { () throws(Problem) in try Self.kernel([1, 2, 4, 0], [1, 2, 4, 0]) } == .shapeMismatch)
        #expect(code { () throws(Problem) in try Self.kernel(shape, shape, dtype: .f64) } == .unsupportedDtype)
        #expect(code { () throws(Problem) in try Self.kernel([1, 1, 1, 5000], [1, 1, 1, 5000]) } == .outOfRange)
        let large = Int(Int32.max)
        #expect(code { () throws(Problem) in try Self.kernel([1, 1, large, 64], [1, 1, large, 64]) } == .outOfRange)
        #expect(code { () throws(Problem) in try Self.kernel(shape, shape, params: ["window": 3]) } == .unknownField)
        #expect(code { () throws(Problem) in try Self.kernel(shape, shape, params: ["scale": 1]) } == .wrongType)
        for scale in ["nan", "", " 1", "+1", "0x1p0", "inf"] {
            #expect(code { () throws(Problem) in try Self.kernel(shape, shape, params: ["scale": .string(scale)]) } == .wrongType, "\(scale)")
        }
        for scale in ["0", "-1", "1e+30", "1e-30"] {
            #expect(code { () throws(Problem) in try Self.kernel(shape, shape, params: ["scale": .string(scale)]) } == .outOfRange, "\(scale)")
        }
    }

    /// Softmax of scores 0 and ln 3, by hand.
    @Test func `the definition is the textbook's`() throws {
        let kernel = try Self.kernel([1, 1, 1, 1], [1, 1, 2, 1], params: ["scale": "1"])
        func tensor(_ index: Int, _ values: [Float]) throws -> Tensor {
            let tensor = try Tensor(zeros: kernel.inputs[index])
            tensor.withMutableElements(as: Float.self) { for i in $0.indices { $0[i] = values[i] } }
            return tensor
        }
        let o = try kernel.reference([try tensor(0, [1]), try tensor(1, [0, 1.098_612_3]), try tensor(2, [4, 8])])
        #expect(abs(o[0].float(0) - 7) < 1e-6)
    }

    @Test func `the exponential is right to a few units in the last place`() {
        // e^−1, e^−20 and e^−700, correctly rounded.
        for (x, value) in [(0.0, 1.0), (-1, 0.36787944117144233), (-20, 2.061153622438558e-9), (-700, 9.859676543759770e-305)] {
            #expect(abs(Elementary.exponential(x) / value - 1) < 1e-15, "\(x)")
        }
        #expect(Elementary.exponential(-800) == 0 && Elementary.exponential(-.infinity) == 0)
    }

    @Test func `rows are spread over heads`() throws {
        for (heads, queries) in [(3, 400), (12, 4096), (700, 3), (512, 2), (1, 513)] {
            let attention = try Attention(batch: 1, heads: heads, queries: queries, keys: 4, dimension: 2, arithmetic: .f32)
            let tensor = try Tensor(zeros: TensorDescriptor(name: "x", dtype: .f32, shape: [1]))
            let verifier = AttentionVerifier(attention, q: tensor, k: tensor, v: tensor, o: tensor, passes: PlainPasses())
            var random = TestRandom(UInt64(heads))
            var stream = try Challenge(random.bytes32()).stream()
            let rows = verifier.sample(&stream)
            #expect(rows.count == 512 && Set(rows).count == 512 && rows == rows.sorted())
            #expect(rows.allSatisfy { (0..<attention.rowCount).contains($0) })
            let counts = Dictionary(grouping: rows) { $0 / queries }.values.map(\.count)
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
            if heads <= 512 { #expect(counts.count == heads) }
        }
    }

    @Test(arguments: [DType.f32, .bf16], [false, true])
    func `the definition's own output is accepted, a wrong row is not`(dtype: DType, causal: Bool) throws {
        let kernel = try Self.kernel([1, 2, 9, 6], [1, 2, 9, 6], dtype: dtype, params: ["causal": .bool(causal)])
        let inputs = try kernel.inputs.enumerated().map { index, input in
            try RandomTensor(seed: SHA256.hash(utf8: "attention \(index)"), descriptor: input).generate()
        }
        let o = try kernel.reference(inputs)[0]
        var random = TestRandom(4)
        try kernel.admit(inputs, passes: PlainPasses())
        #expect(try kernel.verify(inputs, [o], challenge: try Challenge(random.bytes32()), passes: PlainPasses()).isAccepted)
        let wrong = try Tensor(o.descriptor, try TensorBuffer(o.buffer.bytes))
        wrong.withMutableElements(as: Float.self) { for c in 0..<6 { $0[30 + c] = $0[24 + c] } }
        let report = try kernel.verify(inputs, [wrong], challenge: try Challenge(random.bytes32()), passes: PlainPasses())
        #expect(report.refusal?.output == "o")
        #expect(report.refusal.map { (30..<36).contains($0.cell.column) } == true)
    }

    @Test func `values that can't be checked are not admitted`() throws {
        let kernel = try Self.kernel([1, 1, 2, 2], [1, 1, 3, 2])
        func code(_ index: Int, _ value: Float) throws -> Problem.Code? {
            let inputs = try kernel.inputs.map { try Tensor(zeros: $0) }
            for tensor in inputs { tensor.withMutableElements(as: Float.self) { for i in $0.indices { $0[i] = 1 } } }
            inputs[index].withMutableElements(as: Float.self) { $0[1] = value }
            do throws(Problem) {
                try kernel.admit(inputs, passes: PlainPasses())
                return nil
            } catch { return error.code }
        }
        #expect(try code(0, 100) == nil)
        for index in 0..<3 {
            #expect(try code(index, .nan) == .nonFiniteInput)
            #expect(try code(index, -.infinity) == .nonFiniteInput)
            #expect(try code(index, 1e38) == .outOfRange)
        }
        #expect(try code(0, 1e5) == .outOfRange)
        // Random inputs may be left out.
        try kernel.admit([], passes: PlainPasses())
    }
}
