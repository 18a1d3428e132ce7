import TestSupport
import Testing
import Wire

@testable import Kernels

@Suite struct GEMMKernelTests {
    private func kernel(_ params: JSON, _ a: (DType, [Int]), _ b: (DType, [Int])) throws -> any Kernel {
        try KernelRegistry.kernel(
            "gemm", params: params,
            inputs: [TensorDescriptor(name: "b", dtype: b.0, shape: b.1), TensorDescriptor(name: "a", dtype: a.0, shape: a.1)])
    }

    private func expect(_ code: Problem.Code, _ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) {
        let problem = #expect(throws: Problem.self, sourceLocation: sourceLocation, performing: body)
        #expect(problem?.code == code, sourceLocation: sourceLocation)
    }

    @Test func `a spec gives shape, cost and class`() throws {
        let kernel = try kernel(["transpose_b": true, "arithmetic": "reproducible"], (.f32, [100, 300]), (.f32, [200, 300]))
        #expect(kernel.name == "gemm")
        #expect(kernel.inputs.map(\.name) == ["a", "b"])
        #expect(kernel.outputs == [try TensorDescriptor(name: "c", dtype: .f32, shape: [100, 200])])
        #expect(kernel.operations == 12_000_000)
        #expect(kernel.computeUnits == 12)
        #expect(kernel.memoryBytes == 4 * (100 * 300 + 200 * 300 + 100 * 200))
        #expect(kernel.arithmetic == .f32Panel256)
        #expect(kernel.verification == .bits(cells: 512, worstRows: 64))
    }

    @Test func `batches, free arithmetic and what follows a product`() throws {
        let batch = try kernel(["transpose_a": true], (.f32, [5, 30, 10]), (.f32, [5, 30, 20]))
        #expect(batch.outputs.map(\.shape) == [[5, 10, 20]])
        #expect(batch.operations == 2 * 5 * 10 * 20 * 30)
        let free = try kernel(["arithmetic": "free", "activation": "relu"], (.f32, [3, 4]), (.f32, [4, 5]))
        #expect(free.arithmetic == .f32 && free.verification.name == "numeric")
        #expect(free.outputs.map(\.name) == ["c", "product"] && free.intermediates == ["product"])
        let half = try kernel([:], (.bf16, [3, 4]), (.bf16, [4, 5]))
        #expect(half.arithmetic == .bf16F32 && half.outputs.map(\.dtype) == [.f32] && half.intermediates.isEmpty)
    }

    @Test func `units are rounded up`() throws {
        #expect(try kernel([:], (.i8, [1, 1]), (.i8, [1, 1])).computeUnits == 1)
        #expect(try kernel([:], (.i8, [1, 0]), (.i8, [0, 1])).computeUnits == 0)
        #expect(try kernel([:], (.f64, [500, 1000]), (.f64, [1000, 1])).computeUnits == 1)
        #expect(try kernel([:], (.f64, [500, 1001]), (.f64, [1001, 1])).computeUnits == 2)
    }

    @Test func `specs that make no sense are refused`() throws {
        expect(.unknownKernel) { _ = try KernelRegistry.kernel("gemv", params: [:], inputs: []) }
        expect(.unknownField) { _ = try kernel(["alpha": 1], (.i8, [1, 1]), (.i8, [1, 1])) }
        expect(.wrongType) { _ = try kernel(["transpose_a": 1], (.i8, [1, 1]), (.i8, [1, 1])) }
        expect(.wrongType) { _ = try kernel([], (.i8, [1, 1]), (.i8, [1, 1])) }
        expect(.badParams) { _ = try kernel(["arithmetic": "free"], (.i8, [1, 1]), (.i8, [1, 1])) }
        expect(.badParams) { _ = try kernel(["arithmetic": "reproducible"], (.bf16, [1, 1]), (.bf16, [1, 1])) }
        expect(.badParams) { _ = try kernel(["activation": "softplus"], (.f32, [1, 1]), (.f32, [1, 1])) }
        expect(.unsupportedDtype) { _ = try kernel(["activation": "relu"], (.i8, [1, 1]), (.i8, [1, 1])) }
        expect(.tooLong) { _ = try kernel(["arithmetic": "free"], (.f32, [1, 16_385]), (.f32, [16_385, 1])) }
        expect(.badParams) { _ = try kernel(["arithmetic": "fast"], (.i8, [1, 1]), (.i8, [1, 1])) }
        expect(.missingField) { _ = try KernelRegistry.kernel("gemm", params: [:], inputs: []) }
        expect(.badParams) {
            let extra = try ["a", "b", "c"].map { try TensorDescriptor(name: $0, dtype: .i8, shape: [1, 1]) }
            _ = try KernelRegistry.kernel("gemm", params: [:], inputs: extra)
        }
        for (a, b) in [(DType.bf16, DType.f32), (.i8, .f32), (.f32, .f64), (.i32, .i32), (.i64, .i8)] {
            expect(.unsupportedDtype) { _ = try kernel([:], (a, [1, 1]), (b, [1, 1])) }
        }
        expect(.shapeMismatch) { _ = try kernel([:], (.i8, [2, 3]), (.i8, [2, 3])) }
        expect(.shapeMismatch) { _ = try kernel(["transpose_a": true], (.i8, [2, 3]), (.i8, [3, 2])) }
        expect(.shapeMismatch) { _ = try kernel([:], (.i8, [3]), (.i8, [3, 1])) }
        expect(.shapeMismatch) { _ = try kernel([:], (.i8, [1, 1, 1]), (.i8, [1, 1])) }
        expect(.shapeMismatch) { _ = try kernel([:], (.i8, [2, 1, 1]), (.i8, [3, 1, 1])) }
        expect(.outOfRange) { _ = try kernel([:], (.i8, [0, 1, 1]), (.i8, [0, 1, 1])) }
        for bias in [try TensorDescriptor(name: "bias", dtype: .f32, shape: [3]), try TensorDescriptor(name: "bias", dtype: .f64, shape: [2])] {
            expect(.shapeMismatch) {
                let operands = try ["a", "b"].map { try TensorDescriptor(name: $0, dtype: .f32, shape: [2, 2]) }
                _ = try KernelRegistry.kernel("gemm", params: [:], inputs: operands + [bias])
            }
        }
        expect(.tooLong) { _ = try kernel([:], (.i8, [1, 131_072]), (.i8, [131_072, 1])) }
        #expect(throws: Never.self) { try kernel([:], (.i8, [1, 131_071]), (.i8, [131_071, 1])) }
        expect(.outOfRange) { _ = try kernel([:], (.f32, [Int(Int32.max), 2]), (.f32, [2, Int(Int32.max)])) }
    }

    @Test func `descriptors that overflow are refused`() throws {
        let most = TensorDescriptor.maximumDimension
        expect(.outOfRange) { _ = try TensorDescriptor(name: "x", dtype: .f64, shape: [most, most]) }
        expect(.outOfRange) { _ = try TensorDescriptor(name: "x", dtype: .i8, shape: [most, most, most]) }
        expect(.outOfRange) { _ = try TensorDescriptor(name: "x", dtype: .i8, shape: [most + 1]) }
        expect(.outOfRange) { _ = try TensorDescriptor(name: "x", dtype: .i8, shape: [-1]) }
        expect(.outOfRange) { _ = try TensorDescriptor(name: "", dtype: .i8, shape: []) }
        expect(.outOfRange) { _ = try TensorDescriptor(name: "x", dtype: .i8, shape: [Int](repeating: 1, count: 9)) }
        expect(.memoryLimit) { _ = try TensorBuffer(byteCount: 1 << 50) }
        expect(.memoryLimit) { _ = try TensorBuffer(byteCount: 101, limit: 100) }
        expect(.memoryLimit) { _ = try TensorBuffer(byteCount: -1) }
        expect(.unsupportedDtype) { _ = try RandomTensor(seed: .zero, descriptor: try TensorDescriptor(name: "x", dtype: .i32, shape: [1])) }
        expect(.outOfRange) { _ = try Challenge([1, 2, 3]) }
    }

    @Test func `tensors other than those described are refused`() throws {
        var random = TestRandom(40)
        let job = try Job(integers: Shape(m: 3, n: 4, k: 5), &random)
        let other = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: .i32, shape: [4, 3]))
        let challenge = try random.challenge()
        expect(.shapeMismatch) { _ = try job.verify(other, challenge) }
        expect(.shapeMismatch) { _ = try job.kernel.reference([job.inputs[0]]) }
        expect(.shapeMismatch) { _ = try Tensor(other.descriptor, try TensorBuffer(byteCount: 47)) }
        expect(.shapeMismatch) { try job.kernel.gemm.check(a: job.inputs[1], b: job.inputs[0], c: job.output) }
    }

    @Test func `adopted memory is used in place and given back once`() throws {
        let released = TestCounter()
        let region = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 8)
        unsafe region.initializeMemory(as: UInt8.self, repeating: 3)
        nonisolated(unsafe) let owned = unsafe region
        do {
            let buffer = try unsafe TensorBuffer(adopting: region) {
                unsafe owned.deallocate()
                released.count += 1
            }
            #expect(buffer.bytes == [UInt8](repeating: 3, count: 16))
            #expect(released.count == 0)
        }
        #expect(released.count == 1)
    }

    /// Inputs and output have no byte, and nothing may be made in proportion to such a dimension.
    @Test(arguments: [DType.i8, .f32, .f64])
    func `huge empty products cost nothing`(dtype: DType) throws {
        let most = dtype == .i8 ? GEMM.longestI8 : TensorDescriptor.maximumDimension
        for (m, n, k) in [(TensorDescriptor.maximumDimension, 0, 0), (0, TensorDescriptor.maximumDimension, 0), (0, 0, most)] {
            let kernel = try Shape(m: m, n: n, k: k).kernel(dtype)
            #expect(kernel.memoryBytes == 0 && kernel.computeUnits == 0)
            let inputs = try kernel.inputs.map { try Tensor(zeros: $0) }
            try kernel.admit(inputs, passes: PlainPasses())
            let outputs = try kernel.reference(inputs)
            #expect(try kernel.verify(inputs, outputs, challenge: try Challenge(Array(0..<32)), passes: PlainPasses()).isAccepted)
        }
    }

    /// Panel edges: a sum that one chain of fused multiply-adds would lose.
    @Test func `panels are summed apart`() throws {
        let kernel = try Shape(m: 1, n: 1, k: 258).kernel(.f32)
        var a = [Float](repeating: 0, count: 258)
        (a[0], a[256], a[257]) = (0x1p24, 1, 1)
        let ones = [Float](repeating: 1, count: 258)
        let c = try kernel.reference([try Tensor(kernel.inputs[0], a), try Tensor(kernel.inputs[1], ones)])
        #expect(c[0].values(Float.self) == [0x1p24 + 2])
    }
}

/// Counts calls of one deallocator, which runs on the test's own thread.
private final class TestCounter: @unchecked Sendable {
    var count = 0
}
