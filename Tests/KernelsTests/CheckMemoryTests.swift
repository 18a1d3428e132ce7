import Synchronization
import TestSupport
import Testing
import Wire

@testable import Kernels

/// What a check says it takes covers what its passes are handed and give back.
@Suite struct CheckMemoryTests {
    @Test(arguments: [Shape(m: 1, n: 3000, k: 1), Shape(m: 24, n: 24, k: 1500), Shape(m: 3000, n: 2, k: 1), Shape(m: 700, n: 40, k: 30)], [DType.f32, .f64])
    func `a float check's arrays fit in its bytes`(shape: Shape, dtype: DType) throws {
        var random = TestRandom(6)
        let job = try Job(shape, dtype) { _, _, _ in random.normal() }
        let passes = CountingPasses()
        let report = try job.kernel.verify(job.inputs, [job.output], challenge: try random.challenge(), passes: passes)
        #expect(report.isAccepted)
        let used = passes.bytes.withLock { $0 }
        #expect(used > 0 && used <= job.kernel.verifierBytes, "\(used) of \(job.kernel.verifierBytes)")
        // Not a blank cheque either: at most a few times what was seen here, the recomputed rows apart.
        #expect(job.kernel.verifierBytes <= 4 * used + 24 * 64 * shape.n)
    }
}

/// The plain passes, and the bytes of the arrays that go through them with the copies that a vectorised pass may make.
private final class CountingPasses: VerifierPasses {
    let bytes = Mutex(0)
    private let plain = PlainPasses()

    private func count(_ doubles: Int) { bytes.withLock { $0 += 8 * doubles } }

    func fieldProduct(_ matrix: MatrixView, _ vectors: [UInt64], count: Int) throws(Problem) -> [UInt64] {
        try plain.fieldProduct(matrix, vectors, count: count)
    }

    func columnNorms(_ b: MatrixView) throws(Problem) -> ColumnNorms {
        count(2 * b.columns)
        return try plain.columnNorms(b)
    }

    func probe(_ b: MatrixView, with probe: ColumnProbe, energies: Bool) throws(Problem) -> ProbedRows {
        let rows = try plain.probe(b, with: probe, energies: energies)
        count(probe.x.count + probe.weights.count + rows.y.count + (rows.energies?.count ?? 0))
        return rows
    }

    func roundedProbes(_ b: MatrixView, with probe: ColumnProbe) throws(Problem) -> [[Double]] {
        let probes = try plain.roundedProbes(b, with: probe)
        count(2 * probes.reduce(0) { $0 + $1.count })
        return probes
    }

    func filterImages(a: MatrixView, y: [Double], rounded: [[Double]]) throws(Problem) -> [[Double]] {
        let images = try plain.filterImages(a: a, y: y, rounded: rounded)
        count(images.reduce(0) { $0 + $1.count })
        return images
    }

    func recomputeSums(a: MatrixView, b: MatrixView, rows: [Int], again: Bool) throws(Problem) -> RowSums {
        try plain.recomputeSums(a: a, b: b, rows: rows, again: again)
    }

    func rowResiduals(a: MatrixView, c: MatrixView, rows: ProbedRows, probe: ColumnProbe, vectors: Bool) throws(Problem) -> RowResiduals {
        let found = try plain.rowResiduals(a: a, c: c, rows: rows, probe: probe, vectors: vectors)
        // X, Y, their weights and roots once more, and the rows as C gives them.
        count(
            probe.x.count + probe.weights.count + rows.y.count + a.columns + (rows.energies?.count ?? 0) + 2 * 4 * found.rows.count + found.differences.count
                + found.images.count)
        return found
    }

    func runningSums(a: MatrixView, rows: ProbedRows, indices: [Int]) throws(Problem) -> [Double] {
        count(2 * indices.count)
        return try plain.runningSums(a: a, rows: rows, indices: indices)
    }

    func recomputeCells(_ gemm: GEMM, a: MatrixView, b: MatrixView, cells: [Cell]) throws(Problem) -> [UInt64] {
        try plain.recomputeCells(gemm, a: a, b: b, cells: cells)
    }

    func recomputeRows(_ gemm: GEMM, a: MatrixView, b: MatrixView, rows: [Int]) throws(Problem) -> [UInt64] {
        try plain.recomputeRows(gemm, a: a, b: b, rows: rows)
    }
}
