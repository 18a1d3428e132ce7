import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels
@testable import OneDNNBackend

@Suite(.enabled(if: !Backends.oneDNN.isEmpty, Backends.withoutOneDNN)) struct OneDNNTests {
    @Test func `a missing library is a problem, not a crash`() {
        #expect { try OneDNNLibrary(path: "libdnnl-that-is-not-there.so") } throws: { ($0 as? Problem)?.code == .backendUnavailable }
        #expect { try OneDNNLibrary(path: "libm.so.6") } throws: { ($0 as? Problem)?.code == .backendUnavailable }
    }

    @Test func `thin reproducible products are refused, not done`() throws {
        for backend in Backends.oneDNN {
            let product = try Product(.f32, OneDNNOffer.bound - 1, 64, 20)
            #expect(backend.capability(for: product.gemm) == nil)
            #expect { try product.run(on: backend) } throws: { ($0 as? Problem)?.code == .unsupportedDtype }
        }
    }

    @Test func `F64 is not offered`() throws {
        let backend = try #require(Backends.oneDNN.first)
        for arithmetic in [Arithmetic.f64, .f64Panel256] { #expect(backend.capability(for: try GEMM(m: 64, n: 64, k: 64, arithmetic: arithmetic)) == nil) }
    }

    /// The trial must be able to fail: one cell off by one, one row of another order, one transposed operand.
    @Test func `the trial sees what is wrong`() throws {
        let trial = ProductTrial(judge: try #require(Backends.native.last))
        let backend = try #require(Backends.oneDNN.first)
        #expect(
            !trial.passes(.i32Exact, ProductTrial.general) { gemm, a, b, c throws(Problem) in
                try backend.run(gemm, a: a, b: b, into: c, control: .none)
                c.withMutableElements(as: Int32.self) { $0[$0.count - 1] &+= 1 }
            })
        #expect(!trial.passes(.f32, ProductTrial.general) { _, _, _, _ throws(Problem) in })
        // Inputs rounded to BF16's eight bits.
        #expect(
            !trial.passes(.f32, ProductTrial.general) { gemm, a, b, c throws(Problem) in
                for tensor in [a, b] { tensor.withMutableElements(as: UInt32.self) { for i in $0.indices { $0[i] &= 0xFFFF_0000 } } }
                try backend.run(gemm, a: a, b: b, into: c, control: .none)
            })
        #expect(
            !trial.passes(.f32Panel256, [.init(64, 64, 600)]) { gemm, a, b, c throws(Problem) in
                let free = try GEMM(m: gemm.m, n: gemm.n, k: gemm.k, transposeA: gemm.transposeA, transposeB: gemm.transposeB, arithmetic: .f32)
                try backend.run(free, a: a, b: b, into: c, control: .none)
            })
    }

    @Test func `long sums of extremes stay exact`() throws {
        for backend in Backends.oneDNN {
            let gemm = try GEMM(m: 3, n: 4, k: GEMM.longestI8, transposeB: true, arithmetic: .i32Exact)
            guard backend.capability(for: gemm) != nil else { continue }
            let a = try Tensor(zeros: try TensorDescriptor(name: "a", dtype: .i8, shape: gemm.shapeA))
            let b = try Tensor(zeros: try TensorDescriptor(name: "b", dtype: .i8, shape: gemm.shapeB))
            for tensor in [a, b] { unsafe tensor.buffer.withUnsafeMutableBytes { raw in _ = unsafe raw.initializeMemory(as: UInt8.self, repeating: 0x80) } }
            let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: .i32, shape: gemm.shapeC))
            try backend.run(gemm, a: a, b: b, into: c, control: .none)
            #expect(c.withElements(as: Int32.self) { cells in cells.indices.allSatisfy { cells[$0] == Int32(GEMM.longestI8) << 14 } })
        }
    }
}
