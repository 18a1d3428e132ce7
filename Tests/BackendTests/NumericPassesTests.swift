import NativeBackend
import TestSupport
import Testing
import Wire

@testable import Kernels

/// The native passes of the class *numeric*, and of batches, against the plain ones.
@Suite struct NumericPassesTests {
    static let instructionSets = InstructionSet.allCases.filter(\.isAvailable)

    struct Operands {
        let a, b, c: MatrixView

        init(_ dtype: DType, _ batch: Int?, _ m: Int, _ n: Int, _ k: Int, _ transposed: Bool, _ data: Data, _ random: inout TestRandom) throws {
            func view(_ name: String, _ dtype: DType, _ rows: Int, _ columns: Int, _ transposed: Bool) throws -> MatrixView {
                let shape = (batch.map { [$0] } ?? []) + (transposed ? [columns, rows] : [rows, columns])
                let tensor = try Tensor(zeros: try TensorDescriptor(name: name, dtype: dtype, shape: shape))
                if dtype == .bf16 {
                    tensor.withMutableElements(as: UInt16.self) { cells in
                        for i in cells.indices { cells[i] = UInt16(truncatingIfNeeded: Float(data.value(&random, .f32)).bitPattern >> 16) }
                    }
                } else {
                    data.fill(tensor, seed: random.next())
                }
                return try MatrixView(batch: tensor, transposed: transposed)
            }
            a = try view("a", dtype, m, k, transposed)
            b = try view("b", dtype, k, n, transposed)
            c = try view("c", dtype == .bf16 ? .f32 : dtype, m, n, false)
        }

        func probe(_ random: inout TestRandom) -> ColumnProbe {
            let weights = (0..<b.count * b.columns).map { $0 % 4 == 3 ? 0 : 0.5 + Double($0 % 3) }
            return ColumnProbe(x: weights.flatMap { weight in (0..<8).map { _ in weight * random.normal() } }, weights: weights)
        }
    }

    @Test(arguments: instructionSets, [DType.f32, .f64, .bf16])
    func `passes over batches and lower precisions agree`(instructionSet: InstructionSet, dtype: DType) throws {
        let (native, plain) = (try NativePasses(threads: 2, instructionSet: instructionSet), PlainPasses())
        var random = TestRandom(8)
        for (index, (m, n, k)) in [(5, 9, 7), (16, 16, 16), (3, 270, 65), (49, 17, 300), (0, 4, 5), (4, 0, 5), (4, 5, 0)].enumerated() {
            for batch in [nil, 1, 3] as [Int?] {
                let operands = try Operands(dtype, batch, m, n, k, (index + (batch ?? 0)) % 2 == 1, index == 1 ? .special : .normal, &random)
                let (a, b, c, probe) = (operands.a, operands.b, operands.c, operands.probe(&random))
                let (norms, expectedNorms) = (try native.columnNorms(b), try plain.columnNorms(b))
                #expect(norms.maxima == expectedNorms.maxima && close(norms.sumsOfSquares, expectedNorms.sumsOfSquares, 1e-12))
                let (rows, expected) = (try native.probe(b, with: probe, energies: true), try plain.probe(b, with: probe, energies: true))
                #expect(close(rows.y, expected.y, 1e-11), "\(dtype) \(m)×\(n)×\(k) \(String(describing: batch))")
                #expect(try close(#require(rows.energies), #require(expected.energies), 1e-11))
                let found = try native.rowResiduals(a: a, c: c, rows: expected, probe: probe, vectors: true)
                let wanted = try plain.rowResiduals(a: a, c: c, rows: expected, probe: probe, vectors: true)
                #expect(close(found.differences, wanted.differences, 1e-10) && close(found.images, wanted.images, 1e-10))
                #expect(found.rows.map(\.maximum) == wanted.rows.map(\.maximum))
                let finite = wanted.rows.indices.filter { wanted.rows[$0].maximum < .infinity }
                #expect(close(finite.map { found.rows[$0].energy }, finite.map { wanted.rows[$0].energy }, 1e-10))
                #expect(
                    close(
                        try native.runningSums(a: a, rows: expected, indices: finite), try plain.runningSums(a: a, rows: expected, indices: finite), 1e-10))
                let (rounded, expectedRounded) = (try native.roundedProbes(b, with: probe), try plain.roundedProbes(b, with: probe))
                #expect(rounded.count == expectedRounded.count && zip(rounded, expectedRounded).allSatisfy { close($0, $1, 1e-11) })
                guard index != 1, dtype != .f64 else { continue }
                let images = try native.filterImages(a: a, y: expected.y, rounded: expectedRounded)
                let expectedImages = try plain.filterImages(a: a, y: expected.y, rounded: expectedRounded)
                #expect(images.count == Filter.family(dtype).count && zip(images, expectedImages).allSatisfy { close($0, $1, 1e-10) })
            }
        }
    }

    @Test(arguments: instructionSets, [DType.f32, .f64, .bf16])
    func `rows are summed again alike`(instructionSet: InstructionSet, dtype: DType) throws {
        let (native, plain) = (try NativePasses(threads: 2, instructionSet: instructionSet), PlainPasses())
        var random = TestRandom(9)
        for (index, (m, n, k)) in [(5, 9, 7), (4, 33, 130), (2, 16, 0), (6, 1, 100)].enumerated() {
            for batch in [nil, 3] as [Int?] {
                let operands = try Operands(dtype, batch, m, n, k, index % 2 == 1, .normal, &random)
                let rows = [0, 1, (batch ?? 1) * m - 1]
                let found = try native.recomputeSums(a: operands.a, b: operands.b, rows: rows, again: true)
                let expected = try plain.recomputeSums(a: operands.a, b: operands.b, rows: rows, again: true)
                #expect(close(found.exact, expected.exact, 1e-12))
                #expect(found.filtered.count == expected.filtered.count && zip(found.filtered, expected.filtered).allSatisfy { close($0, $1, 1e-12) })
                // To the bit, but for the double rounding of the portable path.
                #expect(found.orders.count == expected.orders.count)
                for (one, other) in zip(found.orders, expected.orders) { #expect(close(one, other, instructionSet == .portable ? 1e-6 : 0)) }
                #expect(try native.recomputeSums(a: operands.a, b: operands.b, rows: rows, again: false) == RowSums(exact: found.exact))
                #expect(throws: Problem.self) { try native.recomputeSums(a: operands.a, b: operands.b, rows: [(batch ?? 1) * m], again: false) }
            }
        }
    }

    @Test(arguments: instructionSets)
    func `exact passes of batches are equal`(instructionSet: InstructionSet) throws {
        let (native, plain) = (try NativePasses(threads: 2, instructionSet: instructionSet), PlainPasses())
        var random = TestRandom(10)
        for transposed in [false, true] {
            let operands = try Operands(.i8, 5, 7, 11, 70, transposed, .normal, &random)
            for matrix in [operands.a, operands.b] {
                let shared = (0..<2 * matrix.columns).map { _ in random.next() % MersenneField.modulus }
                #expect(try native.fieldProduct(matrix, shared, count: 2) == plain.fieldProduct(matrix, shared, count: 2))
                let own = (0..<2 * 5 * matrix.columns).map { _ in random.next() % MersenneField.modulus }
                #expect(try native.fieldProduct(matrix, own, count: 2) == plain.fieldProduct(matrix, own, count: 2))
                #expect(throws: Problem.self) { try native.fieldProduct(matrix, [1, 2, 3], count: 1) }
            }
            for (dtype, arithmetic) in [(DType.i8, Arithmetic.i32Exact), (.f32, .f32Panel256), (.f64, .f64Panel256)] {
                let operands = try Operands(dtype, 5, 7, 11, 300, transposed, .normal, &random)
                let gemm = try GEMM(m: 7, n: 11, k: 300, transposeA: transposed, transposeB: transposed, batch: 5, arithmetic: arithmetic)
                let cells = (0..<35).map { Cell(row: 34 - $0, column: $0 % 11) }
                #expect(
                    try native.recomputeCells(gemm, a: operands.a, b: operands.b, cells: cells)
                        == plain.recomputeCells(gemm, a: operands.a, b: operands.b, cells: cells))
                let rows = [0, 6, 7, 8, 34, 1]
                #expect(
                    try native.recomputeRows(gemm, a: operands.a, b: operands.b, rows: rows)
                        == plain.recomputeRows(gemm, a: operands.a, b: operands.b, rows: rows))
                #expect(throws: Problem.self) { try native.recomputeRows(gemm, a: operands.a, b: operands.b, rows: [35]) }
            }
        }
    }

    /// Within `tolerance` of the largest finite magnitude, and alike where they aren't finite.
    private func close(_ a: [Double], _ b: [Double], _ tolerance: Double) -> Bool {
        guard a.count == b.count else { return false }
        let scale = b.reduce(0) { max($0, $1.isFinite ? abs($1) : 0) }
        return zip(a, b).allSatisfy { $0 == $1 || ($0.isFinite ? abs($0 - $1) <= tolerance * scale : $1.isNaN || $1.isInfinite) }
    }
}
