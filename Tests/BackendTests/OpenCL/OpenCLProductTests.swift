import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels
@testable import OpenCLBackend

/// Products on every OpenCL device, the processor's among them: bits where they are promised, rounding's reach where not.
@Suite(.enabled(if: !OpenCLDevices.backends.isEmpty, OpenCLDevices.missing)) struct OpenCLProductTests {
    private func operand(_ name: String, _ dtype: DType, _ shape: [Int], _ data: Data, _ seed: UInt64) throws -> Tensor {
        let tensor = try Tensor(zeros: TensorDescriptor(name: name, dtype: dtype, shape: shape))
        data.fill(tensor, seed: seed)
        return tensor
    }

    private func output(_ gemm: GEMM) throws -> Tensor {
        let c = try Tensor(zeros: TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC))
        unsafe c.buffer.withUnsafeMutableBytes { raw in _ = unsafe raw.initializeMemory(as: UInt8.self, repeating: 0xAB) }
        return c
    }

    /// Product by product through our own kernels on the CPU.
    private func expected(_ gemm: GEMM, _ a: Tensor, _ b: Tensor) throws -> [UInt8] {
        let native = try #require(Backends.native.last)
        return try (0..<gemm.count).flatMap { index in
            let one = gemm.single
            func matrix(_ tensor: Tensor, _ shape: [Int]) throws -> Tensor {
                let size = tensor.buffer.byteCount / max(gemm.count, 1)
                return try Tensor(
                    TensorDescriptor(name: "x", dtype: tensor.dtype, shape: shape), TensorBuffer(Array(tensor.buffer.bytes[index * size..<(index + 1) * size])))
            }
            let c = try output(one)
            try native.run(one, a: try matrix(a, one.shapeA), b: try matrix(b, one.shapeB), into: c, control: .none)
            return c.buffer.bytes
        }
    }

    @Test(arguments: [Arithmetic.i32Exact, .f32Panel256, .f64Panel256])
    func `batches give the definition's bits`(arithmetic: Arithmetic) throws {
        for (index, batch) in [1, 0, 7, 3].enumerated() {
            let gemm = try GEMM(m: 9, n: 35, k: 270, transposeA: index % 2 == 1, transposeB: index > 1, batch: batch, arithmetic: arithmetic)
            let a = try operand("a", gemm.inputDType, gemm.shapeA, .special, 3)
            let b = try operand("b", gemm.inputDType, gemm.shapeB, .normal, 4)
            let bits = try expected(gemm, a, b)
            for backend in OpenCLDevices.backends where backend.capability(for: gemm) != nil {
                let c = try output(gemm)
                try backend.run(gemm, a: a, b: b, into: c, control: .none)
                #expect(c.buffer.bytes == bits, "\(backend.device): batch of \(batch)")
            }
        }
    }

    /// |found − exact| ≤ k·u·Σ|a||b|, to first order, in any order of summation (Higham, Accuracy and Stability, 3.1); the exact sum and Σ|a||b| in
    /// binary64. BF16's products are exact in binary32.
    @Test(arguments: [Arithmetic.f32, .f64, .bf16F32])
    func `free products are as near as rounding allows`(arithmetic: Arithmetic) throws {
        // A batch's program takes seconds to compile: for one format only.
        for (m, n, k, batch) in [(1, 1, 1, nil), (37, 29, 131, nil), (70, 3, 300, nil), (5, 18, 33, arithmetic == .f64 ? nil : 4)] as [(Int, Int, Int, Int?)] {
            for (transposeA, transposeB) in [(false, false), (true, true), (false, true)] {
                let gemm = try GEMM(m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, batch: batch, arithmetic: arithmetic)
                let random = { (name: String, shape: [Int]) throws -> Tensor in
                    try RandomTensor(seed: SHA256.hash(utf8: name), descriptor: TensorDescriptor(name: name, dtype: gemm.inputDType, shape: shape)).generate()
                }
                let (a, b) = (try random("a", gemm.shapeA), try random("b", gemm.shapeB))
                let (valuesA, valuesB) = (Self.doubles(a), Self.doubles(b))
                for backend in OpenCLDevices.backends where backend.capability(for: gemm) != nil {
                    let c = try output(gemm)
                    try backend.run(gemm, a: a, b: b, into: c, control: .none)
                    let found = Self.doubles(c)
                    let unit = arithmetic == .f64 ? 0x1p-52 : 0x1p-24
                    var isClose = true
                    for z in 0..<gemm.count {
                        for row in 0..<m {
                            for column in 0..<n {
                                var (sum, scale) = (0.0, 0.0)
                                for l in 0..<k {
                                    let product =
                                        valuesA[z * m * k + (transposeA ? l * m + row : row * k + l)]
                                        * valuesB[z * k * n + (transposeB ? column * k + l : l * n + column)]
                                    sum += product
                                    scale += product.magnitude
                                }
                                isClose = isClose && (found[(z * m + row) * n + column] - sum).magnitude <= 1.01 * Double(k) * unit * scale
                            }
                        }
                    }
                    #expect(isClose, "\(backend.device): \(gemm)")
                }
            }
        }
    }

    private static func doubles(_ tensor: Tensor) -> [Double] {
        switch tensor.dtype {
        case .f64: tensor.withElements(as: Double.self) { elements in elements.indices.map { elements[$0] } }
        case .bf16: tensor.withElements(as: UInt16.self) { elements in elements.indices.map { Double(Float(bitPattern: UInt32(elements[$0]) << 16)) } }
        default: tensor.withElements(as: Float.self) { elements in elements.indices.map { Double(elements[$0]) } }
        }
    }

    /// The kernels for GPUs run on any device: bits don't depend on which is used, with memory in place or copied, in one block or many.
    @Test(arguments: [false, true])
    func `every kernel gives the same bits in blocks`(isShared: Bool) throws {
        let device = try #require(OpenCLDevices.found.first)
        // A and B packed are over 600 KB: the cap makes blocks of both rows and columns.
        var workplace = Workplace(device: device, cache: ProgramCache(folder: OpenCLDevices.folder), memoryCap: 900_000, isShared: isShared)
        let kernels = [DType.i8, .f32, .f64].flatMap { dtype in [Microkernel.strip(dtype), Microkernel.tiles(dtype)[0]] } + [.tensorCore(isEmulated: true)]
        for kernel in kernels {
            let arithmetic: Arithmetic = kernel.dtype == .i8 ? .i32Exact : kernel.dtype == .f32 ? .f32Panel256 : .f64Panel256
            let gemm = try GEMM(m: 300, n: 261, k: 290, transposeA: true, arithmetic: arithmetic)
            let a = try operand("a", gemm.inputDType, gemm.shapeA, .normal, 3)
            let b = try operand("b", gemm.inputDType, gemm.shapeB, .normal, 4)
            let bits = try expected(gemm, a, b)
            let c = try output(gemm)
            let seen = Shares()
            let engine = ChosenEngine(engine: .own(kernel), operationsPerSecond: nil, overhead: 0)
            try workplace.multiply(gemm, a, b, into: c, engine, RunControl(report: { seen.add($0) }))
            #expect(c.buffer.bytes == bits, "\(kernel.name)")
            #expect(seen.shares == seen.shares.sorted() && seen.shares.last == 1)
            if kernel.dtype != .i8, !isShared { #expect(seen.shares.count > 3, "\(kernel.name): the cap makes blocks") }
        }
        let pool = try workplace.open().session.pool
        #expect(pool.taken <= 900_000)
    }

    @Test func `what doesn't fit in any blocks is refused`() throws {
        let device = try #require(OpenCLDevices.found.first)
        var workplace = Workplace(device: device, cache: ProgramCache(folder: OpenCLDevices.folder), memoryCap: 4096 * 4, isShared: false)
        let product = try Product(.f32, 100, 100, 1000)
        let engine = ChosenEngine(engine: .own(.strip(.f32)), operationsPerSecond: nil, overhead: 0)
        #expect { try workplace.multiply(product.gemm, product.a, product.b, into: try output(product.gemm), engine, .none) } throws: {
            ($0 as? Problem)?.code == .memoryLimit
        }
    }

    @Test func `a run can be canceled between blocks`() throws {
        let device = try #require(OpenCLDevices.found.first)
        var workplace = Workplace(device: device, cache: ProgramCache(folder: OpenCLDevices.folder), memoryCap: 900_000, isShared: false)
        let product = try Product(.f32, 300, 261, 290)
        let stopped = Shares()
        let control = RunControl(report: { stopped.add($0) }, isCanceled: { stopped.shares.count >= 2 })
        let engine = ChosenEngine(engine: .own(.strip(.f32)), operationsPerSecond: nil, overhead: 0)
        #expect { try workplace.multiply(product.gemm, product.a, product.b, into: try output(product.gemm), engine, control) } throws: {
            ($0 as? Problem)?.code == .canceled
        }
        #expect(stopped.shares.count == 2)
        // And the device goes on.
        let c = try output(product.gemm)
        try workplace.multiply(product.gemm, product.a, product.b, into: c, engine, .none)
        #expect(try c.buffer.bytes == expected(product.gemm, product.a, product.b))
    }
}
