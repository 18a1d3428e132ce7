import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// What every backend keeps: the definition's bits wherever its capability isn't nil.
@Suite struct BackendContractTests {
    struct Shape: Sendable, CustomStringConvertible {
        let m: Int, n: Int, k: Int
        var description: String { "\(m)×\(n)×\(k)" }
    }

    /// Empty, single, prime, thin, one past a register tile of every path (6 × 16, 6 × 8, 14 × 32, 14 × 16), round a panel.
    static let shapes: [Shape] = [
        Shape(m: 0, n: 3, k: 4), Shape(m: 3, n: 0, k: 4), Shape(m: 3, n: 4, k: 0), Shape(m: 1, n: 1, k: 1), Shape(m: 1, n: 1, k: 1025),
        Shape(m: 1, n: 97, k: 255),
        Shape(m: 97, n: 1, k: 257), Shape(m: 2, n: 3, k: 511), Shape(m: 7, n: 17, k: 256), Shape(m: 15, n: 33, k: 257), Shape(m: 13, n: 9, k: 513),
        Shape(m: 64, n: 5, k: 31), Shape(m: 5, n: 64, k: 2), Shape(m: 31, n: 47, k: 64), Shape(m: 28, n: 32, k: 100), Shape(m: 193, n: 19, k: 3),
    ]

    @Test(arguments: shapes, [DType.i8, .f32, .f64])
    func `bits are the definition's`(shape: Shape, dtype: DType) throws {
        for (index, transposes) in [(false, false), (true, false), (false, true), (true, true)].enumerated() {
            let data = Data.allCases[(shape.m + shape.n + shape.k + index) % Data.allCases.count]
            let product = try Product(dtype, shape.m, shape.n, shape.k, transposes.0, transposes.1, data, seed: UInt64(index))
            let expected = try product.reference().buffer.bytes
            for backend in Backends.all where backend.capability(for: product.gemm) != nil {
                #expect(try product.run(on: backend).buffer.bytes == expected, "\(backend.device): \(shape) \(transposes) \(data)")
            }
        }
    }

    @Test(arguments: Data.allCases, [DType.i8, .f32, .f64])
    func `every kind of data`(data: Data, dtype: DType) throws {
        let product = try Product(dtype, 23, 37, 300, false, true, data, seed: 9)
        let expected = try product.reference().buffer.bytes
        for backend in Backends.all where backend.capability(for: product.gemm) != nil {
            #expect(try product.run(on: backend).buffer.bytes == expected, "\(backend.device): \(data)")
        }
    }

    /// Larger than a cache block and than a task, where the plain definition would take minutes: all paths agree with each other, and
    /// with recomputed cells, which share no code with them.
    @Test(arguments: [DType.i8, .f32, .f64])
    func `large products agree`(dtype: DType) throws {
        // The last one's A is read in blocks of rows by each of two threads, and in two parts of its depth.
        let shapes = [(1031, 300, 520, false, false), (260, 2100, 300, true, true), (17, 1500, 1030, false, true), (2101, 70, 4200, false, false)]
        for (m, n, k, transposeA, transposeB) in shapes {
            let product = try Product(dtype, m, n, k, transposeA, transposeB, .normal, seed: 5)
            let first = try product.run(on: try #require(Backends.native.last))
            for backend in Backends.all where backend.capability(for: product.gemm) != nil {
                #expect(try product.run(on: backend).root == first.root, "\(backend.device): \(m)×\(n)×\(k)")
            }
            var random = TestRandom(3)
            let cells = (0..<200).map { _ in Cell(row: Int(random.next() % UInt64(m)), column: Int(random.next() % UInt64(n))) }
            let (a, b) = (try MatrixView(product.a, transposed: transposeA), try MatrixView(product.b, transposed: transposeB))
            let bits = try PlainPasses().recomputeCells(product.gemm, a: a, b: b, cells: cells)
            let c = try MatrixView(first)
            #expect(zip(cells, bits).allSatisfy { c.bits($0.row, $0.column) == $1 })
        }
    }

    @Test func `tensors of another product are refused`() throws {
        let product = try Product(.f32, 4, 5, 6)
        let other = try Product(.f32, 4, 6, 6)
        for backend in Backends.all {
            #expect(throws: Problem.self) {
                try backend.run(product.gemm, a: product.a, b: other.b, into: try Tensor(zeros: product.kernel.outputs[0]), control: .none)
            }
        }
    }

    @Test func `progress never falls and a run can be canceled`() throws {
        let product = try Product(.i8, 2100, 1200, 400)
        let some: [any ComputeBackend] = Array(Backends.native.suffix(1)) + Array(Backends.openBLAS.prefix(1))
        for backend in some {
            let seen = Shares()
            _ = try product.run(on: backend, control: RunControl(report: { seen.add($0) }))
            #expect(seen.shares.count > 2 && seen.shares == seen.shares.sorted() && seen.shares.last == 1)
            let stopped = Shares()
            let control = RunControl(report: { stopped.add($0) }, isCanceled: { stopped.shares.count >= 2 })
            #expect { try product.run(on: backend, control: control) } throws: { ($0 as? Problem)?.code == .canceled }
            #expect(stopped.shares.count == 2)
        }
    }
}
