import Kernels
import NativeBackend
import Testing
import Wire

@Suite struct IndependentReferenceTests {
    @Test(arguments: [DType.i8, .f32], [false, true])
    func `its Gram matrices are the kernels', bit for bit`(dtype: DType, transposed: Bool) throws {
        for (rows, k) in [(1, 1), (5, 0), (130, 700), (67, 256), (64, 1)] {
            let product = try Product(dtype, rows, rows, k, transposed, !transposed, .normal, seed: 3)
            let x = product.a
            let c = try Tensor(zeros: product.kernel.outputs[0])
            try #require(Backends.native.last).run(product.gemm, a: x, b: x, into: c, control: .none)
            for threads in [1, 3] {
                #expect(try IndependentReference.gram(x, transposed: transposed, threads: threads).root == c.root, "\(rows) x \(k)")
            }
        }
    }

    @Test func `special values come out canonical`() throws {
        for data in [Data.special, .negativeZero, .subnormal] {
            let product = try Product(.f32, 40, 40, 300, false, true, data, seed: 4)
            let x = product.a
            let c = try Tensor(zeros: product.kernel.outputs[0])
            try #require(Backends.native.last).run(product.gemm, a: x, b: x, into: c, control: .none)
            #expect(try IndependentReference.gram(x).root == c.root, "\(data)")
        }
    }

    @Test func `other formats are refused`() throws {
        let x = try Tensor(zeros: try TensorDescriptor(name: "x", dtype: .f64, shape: [2, 2]))
        #expect { try IndependentReference.gram(x) } throws: { ($0 as? Problem)?.code == .unsupportedDtype }
    }
}
