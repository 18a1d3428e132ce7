import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// The native passes against the plain ones.
@Suite struct NativePassesTests {
    static let instructionSets = InstructionSet.allCases.filter(\.isAvailable)
    static let shapes = [(0, 3), (3, 0), (1, 1), (2, 33), (65, 8), (49, 131), (67, 300), (130, 17)]

    @Test(arguments: instructionSets)
    func `field products are equal`(instructionSet: InstructionSet) throws {
        let native = try NativePasses(threads: 2, instructionSet: instructionSet)
        var random = TestRandom(1)
        for (rows, columns) in Self.shapes {
            for dtype in [DType.i8, .i32] {
                for transposed in [false, true] {
                    let tensor = try Tensor(zeros: try TensorDescriptor(name: "m", dtype: dtype, shape: transposed ? [columns, rows] : [rows, columns]))
                    unsafe tensor.buffer.withUnsafeMutableBytes { raw in
                        for i in raw.indices { unsafe raw[i] = i % 13 < 4 ? 0x80 : UInt8(truncatingIfNeeded: random.next()) }
                    }
                    let view = try MatrixView(tensor, transposed: transposed)
                    let vectors = (0..<2 * columns).map { $0 % 5 == 0 ? MersenneField.modulus - 1 : random.next() % MersenneField.modulus }
                    let expected = try PlainPasses().fieldProduct(view, vectors, count: 2)
                    #expect(try native.fieldProduct(view, vectors, count: 2) == expected, "\(dtype) \(rows)×\(columns) \(transposed)")
                }
            }
        }
    }

    @Test(arguments: instructionSets, [DType.f32, .f64])
    func `float passes agree to rounding`(instructionSet: InstructionSet, dtype: DType) throws {
        let native = try NativePasses(threads: 2, instructionSet: instructionSet)
        let plain = PlainPasses()
        for (index, data) in [Data.normal, .special, .huge, .subnormal].enumerated() {
            for (m, n, k) in [(50, 70, 35), (3, 300, 65), (97, 9, 130), (0, 4, 5), (4, 0, 5), (4, 5, 0)] {
                let (transposeA, transposeB) = (index % 2 == 0, m % 2 == 0)
                let product = try Product(dtype, m, n, k, transposeA, transposeB, data, seed: UInt64(m))
                let (a, b) = (try MatrixView(product.a, transposed: transposeA), try MatrixView(product.b, transposed: transposeB))
                let c = try MatrixView(try product.run(on: try #require(Backends.native.last)))
                let norms = try native.columnNorms(b)
                let expectedNorms = try plain.columnNorms(b)
                #expect(norms.maxima == expectedNorms.maxima)
                var random = TestRandom(7)
                let weights = norms.maxima.enumerated().map { $1 < .infinity && $0 % 4 != 3 ? RowScale.factor(RowScale.exponent(of: $1, .f64)) : 0 }
                let x = weights.flatMap { weight in (0..<8).map { _ in weight * random.normal() } }
                let probe = ColumnProbe(x: x, weights: weights)
                let rows = try native.probe(b, with: probe, energies: true)
                let expectedRows = try plain.probe(b, with: probe, energies: true)
                let scale = expectedRows.y.reduce(1e-300) { max($0, $1.isFinite ? abs($1) : 0) }
                #expect(zip(rows.y, expectedRows.y).allSatisfy { abs($0 - $1) <= 1e-12 * scale })
                #expect(try zip(#require(rows.energies), #require(expectedRows.energies)).allSatisfy { close($0, $1, 1e-12) })
                #expect(try native.probe(b, with: probe, energies: false) == ProbedRows(y: rows.y))
                let found = try native.rowResiduals(a: a, c: c, rows: expectedRows, probe: probe, vectors: true)
                let expected = try plain.rowResiduals(a: a, c: c, rows: expectedRows, probe: probe, vectors: true)
                let without = try native.rowResiduals(a: a, c: c, rows: ProbedRows(y: expectedRows.y), probe: probe, vectors: false)
                #expect(
                    zip(without.rows, found.rows).allSatisfy { one, other in
                        one.energy == 0 && one.maximum == other.maximum && (one.maximum == .infinity || close(one.signal, other.signal, 0))
                    })
                let (running, expectedRunning) = (
                    try native.runningSums(a: a, rows: expectedRows, indices: Array((0..<m).reversed())),
                    try plain.runningSums(a: a, rows: expectedRows, indices: Array((0..<m).reversed()))
                )
                #expect(found.rows.count == expected.rows.count && found.differences.count == 8 * m && running.count == m && expectedRunning.count == m)
                for (row, (one, other)) in zip(found.rows, expected.rows).enumerated() {
                    #expect(one.maximum == other.maximum)
                    guard one.maximum < .infinity else { continue }
                    #expect(one.residual.isFinite == other.residual.isFinite)
                    // A residual is a small difference of large sums: it agrees to the rounding of those.
                    let slack = 1e-24 * (other.signal + expectedRunning[m - 1 - row])
                    #expect(abs(one.residual - other.residual) <= 1e-3 * other.residual + slack || !other.residual.isFinite)
                    #expect(
                        close(one.signal, other.signal, 1e-9) && close(running[m - 1 - row], expectedRunning[m - 1 - row], 1e-9)
                            && close(one.energy, other.energy, 1e-9))
                }
            }
        }
    }

    @Test(arguments: instructionSets)
    func `running sums of rows that aren't there are refused`(instructionSet: InstructionSet) throws {
        let native = try NativePasses(threads: 2, instructionSet: instructionSet)
        let product = try Product(.f32, 3, 4, 5)
        let rows = ProbedRows(y: Array(repeating: 1, count: 40), energies: Array(repeating: 1, count: 5))
        let a = try MatrixView(product.a)
        #expect(try native.runningSums(a: a, rows: rows, indices: []) == [])
        #expect(throws: Problem.self) { try native.runningSums(a: a, rows: rows, indices: [3]) }
        #expect(throws: Problem.self) { try native.runningSums(a: a, rows: ProbedRows(y: [1], energies: [1]), indices: [0]) }
    }

    private func close(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool { a == b || abs(a - b) <= tolerance * max(abs(a), abs(b)) }

    @Test(arguments: instructionSets, [DType.i8, .f32, .f64])
    func `recomputed bits are equal`(instructionSet: InstructionSet, dtype: DType) throws {
        let native = try NativePasses(threads: 2, instructionSet: instructionSet)
        for (index, data) in [Data.normal, .special, .negativeZero, .subnormal].enumerated() {
            let (transposeA, transposeB) = (index % 2 == 0, index < 2)
            let product = try Product(dtype, 21, 30, 513, transposeA, transposeB, data, seed: UInt64(index))
            let (a, b) = (try MatrixView(product.a, transposed: transposeA), try MatrixView(product.b, transposed: transposeB))
            let cells = (0..<19).map { Cell(row: $0, column: 29 - $0) } + [Cell(row: 20, column: 0), Cell(row: 20, column: 0)]
            #expect(try native.recomputeCells(product.gemm, a: a, b: b, cells: cells) == PlainPasses().recomputeCells(product.gemm, a: a, b: b, cells: cells))
            let rows = [20, 0, 7, 7]
            #expect(try native.recomputeRows(product.gemm, a: a, b: b, rows: rows) == PlainPasses().recomputeRows(product.gemm, a: a, b: b, rows: rows))
            #expect(try native.recomputeCells(product.gemm, a: a, b: b, cells: []) == [])
            #expect(throws: Problem.self) { try native.recomputeCells(product.gemm, a: a, b: b, cells: [Cell(row: 21, column: 0)]) }
        }
    }
}
