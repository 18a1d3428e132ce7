import TestSupport
import Testing
import Wire

@testable import Kernels

@Suite struct NonFiniteTests {
    private func job(badRows: Int, badColumns: Int, _ value: Double, _ dtype: DType = .f32) throws -> Job {
        var random = TestRandom(30)
        return try Job(Shape(m: 100, n: 40, k: 5, transposeB: true), dtype) { isB, row, column in
            let index = isB ? column : row
            let inner = isB ? row : column
            return index < (isB ? badColumns : badRows) && inner == 2 ? value : random.normal()
        }
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity], [DType.f32, .f64])
    func `a few non-finite rows and columns are admitted and recomputed`(value: Double, dtype: DType) throws {
        var random = TestRandom(31)
        let job = try job(badRows: 2, badColumns: 1, value, dtype)
        try job.kernel.admit(job.inputs, passes: PlainPasses())
        let report = try job.verify(try random.challenge())
        #expect(report.isAccepted)
        #expect(report.effort.cells == 512 + 100 && report.effort.rows == 2)
        #expect(report.effort.suspiciousRows == 0)
    }

    @Test func `over five per cent of the cells is refused at the quote`() throws {
        for (rows, columns) in [(6, 0), (0, 3), (3, 1), (100, 40)] {
            let job = try job(badRows: rows, badColumns: columns, .nan)
            #expect { try job.kernel.admit(job.inputs, passes: PlainPasses()) } throws: { ($0 as? Problem)?.code == .nonFiniteInput }
            var random = TestRandom(32)
            #expect(try job.verify(try random.challenge()).isAccepted)
        }
        let finite = try job(badRows: 0, badColumns: 0, 0)
        try finite.kernel.admit(finite.inputs, passes: PlainPasses())
    }

    @Test func `inputs that are finite by construction may be left out of the quote's look`() throws {
        let job = try job(badRows: 6, badColumns: 0, .nan)
        #expect { try job.kernel.admit([job.inputs[0]], passes: PlainPasses()) } throws: { ($0 as? Problem)?.code == .nonFiniteInput }
        try job.kernel.admit([job.inputs[1]], passes: PlainPasses())
        try job.kernel.admit([], passes: PlainPasses())
    }

    @Test func `a wrong cell in a non-finite row or column is refused`() throws {
        var random = TestRandom(33)
        let job = try job(badRows: 2, badColumns: 1, .infinity)
        for position in [40 + 7, 77 * 40] {
            let wrong = try job.output.changing(Float.self) { $0[position] = 1 }
            #expect(try job.verify(wrong, try random.challenge()).refusal?.cell == Cell(row: position / 40, column: position % 40))
        }
        // The rest is still probed.
        let wrong = try job.output.changing(Float.self) { $0[60 * 40 + 20] += 0.3 }
        #expect(try job.verify(wrong, try random.challenge()).refusal?.cell == Cell(row: 60, column: 20))
    }
}
