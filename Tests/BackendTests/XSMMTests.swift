import NativeBackend
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Kernels
@testable import XSMMBackend

@Suite(.enabled(if: !Backends.xsmm.isEmpty, Backends.withoutXSMM)) struct XSMMTests {
    @Test func `small floats without a transposed B are offered, and nothing else`() throws {
        let backend = try #require(Backends.xsmm.first)
        for arithmetic in [Arithmetic.f32, .f64] {
            for transposeA in [false, true] {
                #expect(backend.capability(for: try GEMM(m: 64, n: 64, k: 64, transposeA: transposeA, batch: 5, arithmetic: arithmetic)) != nil)
            }
            #expect(backend.capability(for: try GEMM(m: 64, n: 64, k: 64, transposeB: true, arithmetic: arithmetic)) == nil)
            for (m, n, k) in [(65, 8, 8), (8, 65, 8), (8, 8, 65), (0, 8, 8), (8, 0, 8), (8, 8, 0)] {
                let gemm = try GEMM(m: m, n: n, k: k, arithmetic: arithmetic)
                #expect(backend.capability(for: gemm) == nil)
                let (a, b, c) = try Self.tensors(gemm)
                #expect { try backend.run(gemm, a: a, b: b, into: c, control: .none) } throws: { ($0 as? Problem)?.code == .unsupportedDtype }
            }
        }
        for arithmetic in [Arithmetic.i32Exact, .bf16F32] { #expect(backend.capability(for: try GEMM(m: 8, n: 8, k: 8, arithmetic: arithmetic)) == nil) }
    }

    /// Every n of a register tile and its rest, with data of all sizes: what is offered as reproducible has the definition's bits.
    @Test(arguments: [DType.f32, .f64]) func `what is offered has the right bits`(dtype: DType) throws {
        let backend = try #require(Backends.xsmm.last)
        let judge = try #require(Backends.native.last)
        var offered = 0
        for n in 1...40 {
            let product = try Product(dtype, 1 + n * 7 % 23, n, 1 + n * 5 % 64, n % 2 == 1, false, Data.allCases[n % Data.allCases.count], seed: UInt64(n))
            guard backend.capability(for: product.gemm) != nil else { continue }
            offered += 1
            #expect(try product.run(on: backend).buffer.bytes == product.run(on: judge).buffer.bytes, "\(product.gemm)")
        }
        // Only fused multiply-adds can keep the rule; every processor with the libraries' wide kernels has them.
        if InstructionSet.avx2.isAvailable { #expect(offered > 10) }
    }

    @Test func `a long batch reports its progress and can be canceled`() throws {
        let gemm = try GEMM(m: 64, n: 64, k: 64, batch: 2000, arithmetic: .f32)
        let (a, b, c) = try Self.tensors(gemm)
        let backend = try #require(Backends.xsmm.dropFirst().first)
        let seen = Shares()
        try backend.run(gemm, a: a, b: b, into: c, control: RunControl(report: { seen.add($0) }))
        #expect(seen.shares.count > 2 && seen.shares == seen.shares.sorted() && seen.shares.last == 1)
        let stopped = Shares()
        let control = RunControl(report: { stopped.add($0) }, isCanceled: { stopped.shares.count >= 2 })
        #expect { try backend.run(gemm, a: a, b: b, into: c, control: control) } throws: { ($0 as? Problem)?.code == .canceled }
        #expect(stopped.shares.count == 2)
    }

    /// A trial that code for another shape, or for a transposed operand, could pass would be none.
    @Test func `the trial sees the wrong code`() throws {
        let trial = ProductTrial(judge: try #require(Backends.native.last))
        let shape = ProductTrial.Shape(16, 16, 16, batch: 3)
        for (k, transposeA, isRight) in [(16, false, true), (15, false, false), (16, true, false)] {
            let product = try GEMM(m: 16, n: 16, k: k, transposeA: transposeA, arithmetic: .f32)
            let passes: Bool? = XSMMLibrary.whileOpen { _ in
                guard let kernel = SmallKernels.make(product) else { return nil }
                return trial.passes(.f32, [shape], transposes: [(false, false)]) { gemm, a, b, c throws(Problem) in
                    try SmallProducts.run(kernel, gemm, a, b, into: c, threads: 1, .none)
                }
            }
            #expect(passes == isRight)
        }
    }

    /// Jobs choose shapes, and each takes memory for its code.
    @Test func `only so many shapes are kept`() throws {
        let judge = Counting()
        let kernels = SmallKernels(judge: judge)
        for m in 1...SmallKernels.largest {
            for n in 1...SmallKernels.largest where (m * SmallKernels.largest + n) % 3 == 0 {
                _ = kernels.offers(try GEMM(m: m, n: n, k: 1, arithmetic: .f32))
            }
        }
        // A judge that refuses makes each trial fail at its first product.
        #expect(judge.calls.load(ordering: .relaxed) == SmallKernels.limit)
    }

    /// Closing it while code runs would be the end of the process: both go on at once here, on two instances.
    @Test(.timeLimit(.minutes(1))) func `the library is closed between uses, and open while somebody runs its code`() async throws {
        let products = try [(16, 16, 16), (33, 47, 64), (5, 7, 3)].map { try Product(.f32, $0.0, $0.1, $0.2, seed: 7) }
        let expected = try products.map { try $0.reference().root }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for backend in Backends.xsmm.prefix(2) {
                group.addTask {
                    for round in 0..<60 {
                        let product = products[round % products.count]
                        guard backend.capability(for: product.gemm) != nil else { continue }
                        let root = try product.run(on: backend).root
                        #expect(root == expected[round % expected.count])
                        if round % 3 == 0 { backend.rest() }
                        await Task.yield()
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `memory that may run is told from memory that may not`() {
        var word = 0
        #expect(unsafe !withUnsafePointer(to: &word) { unsafe ExecutableMemory.holds(UnsafeRawPointer($0)) })
        #expect(unsafe !ExecutableMemory.holds(UnsafeRawPointer(bitPattern: 8)!))
    }

    private static func tensors(_ gemm: GEMM) throws -> (Tensor, Tensor, Tensor) {
        (
            try Tensor(zeros: try TensorDescriptor(name: "a", dtype: gemm.inputDType, shape: gemm.shapeA)),
            try Tensor(zeros: try TensorDescriptor(name: "b", dtype: gemm.inputDType, shape: gemm.shapeB)),
            try Tensor(zeros: try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC))
        )
    }

    /// A judge that refuses, and counts how often it was asked.
    private final class Counting: ComputeBackend {
        let name = "counting"
        let device = "none"
        let calls = Atomic(0)
        func capability(for gemm: GEMM) -> Capability? { nil }
        func run(_ gemm: GEMM, a: Tensor, b: Tensor, into c: Tensor, control: RunControl) throws(Problem) {
            calls.add(1, ordering: .relaxed)
            throw Problem(.canceled, "not here")
        }
    }
}
