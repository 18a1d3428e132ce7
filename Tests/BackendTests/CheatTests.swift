import Kernels
import NativeBackend
import TestSupport
import Testing
import Wire

@testable import OpenBLASBackend

/// Work of a size that is worth cheating on: honest work passes whoever did it, cheats don't.
@Suite struct CheatTests {
    static let size = 512

    private func passes() throws -> NativePasses { try NativePasses(threads: 2) }

    private func product(_ data: Data = .normal) throws -> Product { try Product(.f32, Self.size, Self.size, Self.size, false, true, data, seed: 21) }

    private func honest(_ product: Product) throws -> Tensor { try product.run(on: try #require(Backends.native.last)) }

    private func verdict(_ product: Product, _ c: Tensor, seed: UInt64 = 1) throws -> Bool {
        var random = TestRandom(seed)
        return try product.verify(c, try random.challenge(), try passes()).isAccepted
    }

    @Test(arguments: [DType.i8, .f32, .f64])
    func `honest work of every backend is accepted`(dtype: DType) throws {
        let product = try Product(dtype, 300, 260, 520, true, false, .normal, seed: 2)
        for (index, backend) in Backends.all.enumerated() where backend.capability(for: product.gemm) != nil {
            #expect(try verdict(product, try product.run(on: backend), seed: UInt64(index)), "\(backend.device)")
        }
    }

    @Test(arguments: Data.allCases.filter { $0 != .special })
    func `honest work on all kinds of data is accepted`(data: Data) throws {
        for dtype in [DType.f32, .f64] {
            let product = try Product(dtype, 200, 130, 300, false, true, data, seed: 4)
            #expect(try verdict(product, try honest(product)), "\(dtype)")
        }
    }

    @Test func `one wrong cell of I8 is refused`() throws {
        let product = try Product(.i8, 700, 600, 500, seed: 8)
        let right = try honest(product)
        for (index, change) in [Int32(1), -1, 1 << 20].enumerated() {
            let wrong = try right.copy { c in c.withMutableElements(as: Int32.self) { $0[250_000 + index] &+= change } }
            #expect(try !verdict(product, wrong))
        }
    }

    @Test func `one cell by 1 percent of its row's RMS is refused`() throws {
        let product = try product()
        let right = try honest(product)
        #expect(try verdict(product, right))
        for seed in 0..<UInt64(3) {
            let wrong = try right.copy { c in
                c.withMutableElements(as: Float.self) { cells in
                    let row = 100 + Int(seed)
                    let square = (0..<Self.size).reduce(0.0) { $0 + Double(cells[row * Self.size + $1]) * Double(cells[row * Self.size + $1]) }
                    cells[row * Self.size + 77] += Float(0.01 * (square / Double(Self.size)).squareRoot())
                }
            }
            #expect(try !verdict(product, wrong, seed: seed))
        }
    }

    @Test func `one row that is zero, copied or negated is refused`() throws {
        let product = try product()
        let right = try honest(product)
        for kind in 0..<3 {
            let wrong = try right.copy { c in
                c.withMutableElements(as: Float.self) { cells in
                    for j in 0..<Self.size { cells[40 * Self.size + j] = kind == 0 ? 0 : kind == 1 ? cells[41 * Self.size + j] : -cells[40 * Self.size + j] }
                }
            }
            #expect(try !verdict(product, wrong))
        }
    }

    @Test func `inputs rounded to TF32 or BF16 are refused`() throws {
        let product = try product()
        for bits in [UInt32(10), 7] {
            for (roundsA, roundsB) in [(true, true), (true, false), (false, true)] {
                let c = try Tensor(zeros: product.kernel.outputs[0])
                try #require(Backends.native.last).run(
                    product.gemm, a: roundsA ? try product.a.rounded(toBits: bits) : product.a, b: roundsB ? try product.b.rounded(toBits: bits) : product.b,
                    into: c,
                    control: .none)
                #expect(try !verdict(product, c), "\(bits) bits")
            }
        }
    }

    @Test(.enabled(if: !Backends.openBLAS.isEmpty, Backends.missing))
    func `work in another order is refused`() throws {
        let product = try product()
        let right = try honest(product)
        for coreType in CoreType.allCases where coreType.isRunnable {
            guard let library = try? LibraryLoader.load(coreType) else { continue }
            library.threads = 2
            let c = try Tensor(zeros: product.kernel.outputs[0])
            let free = try GEMM(
                m: Self.size, n: Self.size, k: Self.size, transposeA: product.gemm.transposeA, transposeB: product.gemm.transposeB, arithmetic: .f32)
            try FloatProducts.run(library, threads: 2, free, product.a, product.b, into: c, .none)
            let isAccepted = try verdict(product, c)
            // Kernels that keep the rule at two panels would be right: their bits decide.
            #expect(isAccepted == (c.root == right.root), "\(library.coreName)")
        }
    }
}
