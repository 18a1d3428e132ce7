import TestSupport
import Testing
import Wire

@testable import Kernels

/// Kinds of data on which an honest answer must never be refused.
enum Kind: String, CaseIterable, Sendable {
    case normal, uniform, positive, heavyTailed, constant, alternating, nearOne, sparse, zeroColumns, zeroRows, hugeColumn, hugeRow
    case tiny, subnormal, huge, overflowing, oneOverflowingColumn, cancelling, notANumber, infinite, negativeZero

    func value(_ random: inout TestRandom, _ isB: Bool, _ row: Int, _ column: Int, _ dtype: DType) -> Double {
        let normal = random.normal()
        let (tiny, huge) = dtype == .f64 ? (1e-160, 1e150) : (1e-20, 1e18)
        switch self {
        case .normal: return normal
        case .uniform: return random.unit() * 2 - 1
        case .positive: return random.unit()
        case .heavyTailed: return normal / max(abs(random.normal()), 1e-3)
        case .constant: return 0.1
        case .alternating: return (row + column) % 2 == 0 ? 1.1 : -1.1
        case .nearOne: return 1 + 1e-3 * normal
        case .sparse: return random.unit() < 0.05 ? normal : 0
        case .zeroColumns: return isB && column % 3 == 1 ? (row % 2 == 0 ? 0 : -0.0) : normal
        case .zeroRows: return !isB && row % 3 == 1 ? 0 : normal
        case .hugeColumn: return isB && column == 2 ? 1e15 * normal : normal
        case .hugeRow: return !isB && row == 1 ? 1e15 * normal : normal
        case .tiny: return tiny * normal
        case .subnormal: return isB ? (dtype == .f64 ? 0x1p-1065 : 0x1p-140) * normal : normal
        case .huge: return huge * normal
        case .overflowing: return (dtype == .f64 ? 1e200 : 1e25) * normal
        case .oneOverflowingColumn: return isB && column == 3 ? (dtype == .f64 ? 1e308 : 3e38) * (normal > 0 ? 1 : 0.5) : 3 + normal
        case .cancelling: return isB ? normal * (row % 2 == 0 ? 1e6 : -1e6) : 1 + 1e-6 * normal
        case .notANumber: return !isB && row == 1 && column == 0 ? .nan : normal
        case .infinite: return isB && column == 2 && row == 0 ? -.infinity : normal
        case .negativeZero: return normal > 0 ? -0.0 : 0.0
        }
    }

    func job(_ shape: Shape, _ dtype: DType, seed: UInt64) throws -> Job {
        var random = TestRandom(seed)
        return try Job(shape, dtype) { value(&random, $0, $1, $2, dtype) }
    }
}

@Suite struct BitsVerifierTests {
    @Test(arguments: Kind.allCases, [DType.f32, .f64])
    func `honest work is never refused`(kind: Kind, dtype: DType) throws {
        var random = TestRandom(10)
        for shape in [Shape(m: 60, n: 11, k: 20), Shape(m: 70, n: 8, k: 33, transposeA: true), Shape(m: 26, n: 20, k: 257, transposeB: true)] {
            let report = try kind.job(shape, dtype, seed: 11).verify(try random.challenge())
            #expect(report.isAccepted, "\(kind) \(dtype) \(shape): \(report)")
        }
    }

    @Test(arguments: awkwardShapes, [DType.f32, .f64])
    func `awkward shapes are accepted, and one wrong cell is refused`(shape: Shape, dtype: DType) throws {
        var random = TestRandom(12)
        let job = try Kind.normal.job(shape, dtype, seed: 13)
        #expect(try job.verify(try random.challenge()).isAccepted)
        guard shape.m * shape.n > 0 else { return }
        let position = Int.random(in: 0..<shape.m * shape.n, using: &random)
        // A zero-length sum's only value is +0.
        let wrong =
            dtype == .f64
            ? try job.output.changing(Double.self) { $0[position] = $0[position] == 0 ? 1 : $0[position] * 1.5 }
            : try job.output.changing(Float.self) { $0[position] = $0[position] == 0 ? 1 : $0[position] * 1.5 }
        let refusal = try #require(try job.verify(wrong, try random.challenge()).refusal)
        #expect(refusal.cell == Cell(row: position / shape.n, column: position % shape.n))
    }

    /// Not by recomputing the product: 512 cells and no row, of 4,000 cells in 80 rows.
    @Test func `the check of ordinary work recomputes 512 cells`() throws {
        var random = TestRandom(14)
        for kind in [Kind.normal, .uniform, .positive, .zeroRows, .hugeColumn] {
            let report = try kind.job(Shape(m: 80, n: 50, k: 64), .f32, seed: 15).verify(try random.challenge())
            #expect(report.isAccepted)
            #expect(report.effort.cells == 512)
            #expect(report.effort.rows <= 2)
            #expect(report.effort.worstRatio > 0 && report.effort.worstRatio < 6)
        }
    }

    @Test func `one cell wrong by one per cent of its row's RMS is refused`() throws {
        var random = TestRandom(16)
        for (kind, sign) in [(Kind.normal, 1.0), (.normal, -1), (.positive, 1), (.hugeColumn, -1)] {
            let shape = Shape(m: 60, n: 40, k: 300)
            let job = try kind.job(shape, .f32, seed: random.next())
            let row = Int.random(in: 0..<shape.m, using: &random)
            // A column of the common size: with one huge column the row's RMS is that column's.
            let cells = job.output.values(Float.self)[row * shape.n..<(row + 1) * shape.n].enumerated().filter { $0.offset != 2 }
            let rms = (cells.reduce(0) { $0 + Double($1.element) * Double($1.element) } / Double(cells.count)).squareRoot()
            let wrong = try job.output.changing(Float.self) { $0[row * shape.n + 7] += Float(sign * 0.01 * rms) }
            let report = try job.verify(wrong, try random.challenge())
            #expect(report.refusal?.cell == Cell(row: row, column: 7), "\(kind)")
        }
    }

    /// Derived for zero-mean data: an error of 6.1e-7·√(kn) of the row's RMS is missed once in 10,000.
    @Test func `the probe is as sharp as it says`() throws {
        var random = TestRandom(28)
        let shape = Shape(m: 60, n: 40, k: 300)
        let job = try Kind.normal.job(shape, .f32, seed: 29)
        for _ in 0..<8 {
            let row = Int.random(in: 0..<shape.m, using: &random)
            let error = Float(1.5 * 6.1e-7 * (300.0 * 40).squareRoot() * 300.0.squareRoot())
            let wrong = try job.output.changing(Float.self) { $0[row * shape.n + 9] += error }
            #expect(try job.verify(wrong, try random.challenge()).refusal?.cell == Cell(row: row, column: 9))
        }
    }

    /// Squares of such numbers leave binary64's range; the row's own power of two keeps the probe sharp.
    @Test(arguments: [(1e200, 1e-150), (1e-220, 1e150), (1e-200, 1e-90), (1e150, 1e150), (0x1p-1060, 1e300)])
    func `far scales of F64 are probed, not given up`(scaleA: Double, scaleB: Double) throws {
        var random = TestRandom(34)
        let shape = Shape(m: 150, n: 20, k: 12)
        var values = TestRandom(35)
        let job = try Job(shape, .f64) { isB, _, _ in (isB ? scaleB : scaleA) * values.normal() }
        let honest = try job.verify(try random.challenge())
        #expect(honest.isAccepted && honest.effort.rows == 0, "\(honest)")
        for _ in 0..<4 {
            let row = Int.random(in: 0..<shape.m, using: &random)
            let wrong = try job.output.changing(Double.self) { $0[row * shape.n + 9] *= 1 + 1e-9 }
            #expect(try job.verify(wrong, try random.challenge()).refusal?.cell == Cell(row: row, column: 9))
        }
    }

    @Test(arguments: [DType.f32, .f64])
    func `altered rows are refused`(dtype: DType) throws {
        var random = TestRandom(17)
        let shape = Shape(m: 60, n: 41, k: 70)
        let job = try Kind.normal.job(shape, dtype, seed: 18)
        func altered(_ change: (inout [Double]) -> Void) throws -> Tensor {
            if dtype == .f64 { return try job.output.changing(Double.self) { change(&$0) } }
            return try job.output.changing(Float.self) { cells in
                var wide = cells.map { Double($0) }
                change(&wide)
                cells = wide.map { Float($0) }
            }
        }
        let changes: [(inout [Double]) -> Void] = [
            { cells in for column in 0..<41 { cells[5 * 41 + column] = 0 } },
            { cells in for column in 0..<41 { cells[6 * 41 + column] = cells[7 * 41 + column] } },
            { cells in for column in 0..<41 { cells.swapAt(8 * 41 + column, 9 * 41 + column) } },
            { cells in for column in 0..<41 { cells[10 * 41 + column] *= 1.001 } },
            { cells in cells[11 * 41 + 3] = -cells[11 * 41 + 3] },
            { cells in cells[12 * 41] = .nan },
            { cells in cells[13 * 41] = .infinity },
            { cells in for index in cells.indices { cells[index] = 0 } },
        ]
        for change in changes {
            #expect(try !job.verify(try altered(change), try random.challenge()).isAccepted)
        }
    }

    /// Arithmetic that is not the promised one differs in so many cells that 512 secret ones always meet a difference.
    @Test func `another order or a lower precision is refused`() throws {
        var random = TestRandom(19)
        let shape = Shape(m: 36, n: 30, k: 300)
        for kind in [Kind.normal, .positive] {
            let job = try kind.job(shape, .f32, seed: 20)
            let (a, b) = (job.inputs[0].values(Float.self), job.inputs[1].values(Float.self))
            func product(_ cell: (Int, Int) -> Float) throws -> Tensor {
                try Tensor(job.output.descriptor, (0..<shape.m * shape.n).map { cell($0 / shape.n, $0 % shape.n) })
            }
            func dot(_ terms: some Sequence<Int>, _ i: Int, _ j: Int, _ round: (Float) -> Float = { $0 }) -> Float {
                terms.reduce(0) { $0.addingProduct(round(a[i * shape.k + $1]), round(b[$1 * shape.n + j])) }
            }
            let cheats: [String: Tensor] = [
                "one panel": try product { dot(0..<shape.k, $0, $1) },
                "descending": try product { dot((0..<shape.k).reversed(), $0, $1) },
                "two halves": try product { dot(stride(from: 0, to: shape.k, by: 2), $0, $1) + dot(stride(from: 1, to: shape.k, by: 2), $0, $1) },
                "no fma": try product { i, j in (0..<shape.k).reduce(0) { $0 + a[i * shape.k + $1] * b[$1 * shape.n + j] } },
                "TF32": try product { dot(0..<shape.k, $0, $1) { Self.rounded($0, dropping: 13) } },
                "BF16": try product { dot(0..<shape.k, $0, $1) { Self.rounded($0, dropping: 16) } },
                "last term dropped": try product { dot(0..<shape.k - 1, $0, $1) },
            ]
            for (name, output) in cheats {
                #expect(try !job.verify(output, try random.challenge()).isAccepted, "\(kind) \(name)")
            }
        }
    }

    /// Rounds to nearest even, keeping 23 − `bits` stored bits.
    private static func rounded(_ value: Float, dropping bits: UInt32) -> Float {
        let pattern = value.bitPattern
        let half = (UInt32(1) << (bits - 1)) - 1 + ((pattern >> bits) & 1)
        return Float(bitPattern: ((pattern + half) >> bits) << bits)
    }

    /// Where the probe has weight 0 the answer is known, and still checked.
    @Test func `garbage in a zero column is refused`() throws {
        var random = TestRandom(21)
        let shape = Shape(m: 300, n: 9, k: 5)
        let job = try Kind.zeroColumns.job(shape, .f32, seed: 22)
        for garbage in [Float(1e-40), -0.0, .nan, 3] {
            let row = Int.random(in: 0..<shape.m, using: &random)
            let wrong = try job.output.changing(Float.self) { $0[row * shape.n + 4] = garbage }
            #expect(try job.verify(wrong, try random.challenge()).refusal?.cell == Cell(row: row, column: 4))
        }
    }

    @Test func `−0 and other NaNs than the canonical one are refused`() throws {
        var random = TestRandom(23)
        let job = try Kind.negativeZero.job(Shape(m: 30, n: 17, k: 9), .f32, seed: 24)
        #expect(job.output.buffer.bytes.allSatisfy { $0 == 0 })
        #expect(try !job.verify(try job.output.changing(Float.self) { $0[99] = -0.0 }, try random.challenge()).isAccepted)
        let undefined = try Kind.notANumber.job(Shape(m: 90, n: 11, k: 9), .f32, seed: 25)
        let bits = undefined.output.values(UInt32.self)
        #expect(bits[11..<22].allSatisfy { $0 == 0x7fc0_0000 })
        for other: UInt32 in [0xffc0_0000, 0x7fc0_0001, 0x7f80_0001] {
            let wrong = try undefined.output.changing(UInt32.self) { $0[11 + 5] = other }
            #expect(try undefined.verify(wrong, try random.challenge()).refusal?.cell == Cell(row: 1, column: 5))
        }
    }

    /// Where nearly every cell overflows no probe helps: up to 64 such rows are all recomputed.
    @Test func `overflowing rows are recomputed`() throws {
        var random = TestRandom(36)
        let shape = Shape(m: 50, n: 90, k: 4)
        let job = try Kind.overflowing.job(shape, .f32, seed: 37)
        #expect(try job.verify(try random.challenge()).effort.rows == 50)
        for _ in 0..<5 {
            let row = Int.random(in: 0..<shape.m, using: &random)
            let wrong = try job.output.changing(Float.self) { $0[row * shape.n + 70] = 1 }
            #expect(try job.verify(wrong, try random.challenge()).refusal?.cell == Cell(row: row, column: 70))
        }
    }

    /// The honest answer is all zeros; the bound for lost products is wide there, but not infinite.
    @Test func `a number where everything underflows is refused`() throws {
        var random = TestRandom(38)
        let shape = Shape(m: 150, n: 20, k: 4)
        let job = try Job(shape, .f64) { _, _, _ in 0x1p-1000 }
        let honest = try job.verify(try random.challenge())
        #expect(honest.isAccepted && honest.effort.rows == 0)
        for value in [1, 1e-100, -1e-300, .nan] {
            let wrong = try job.output.changing(Double.self) { $0[77 * shape.n + 3] = value }
            #expect(try job.verify(wrong, try random.challenge()).refusal?.cell == Cell(row: 77, column: 3))
        }
    }

    @Test(arguments: [Float.nan, -.nan, .init(nan: 0x12345, signaling: false), .infinity])
    func `every NaN is written as the canonical one`(value: Float) throws {
        let job = try Job(Shape(m: 1, n: 1, k: 3), .f32) { isB, row, _ in isB && row == 1 ? 0 : 1 }
        let a = try job.inputs[0].changing(Float.self) { $0[1] = value }
        #expect(try job.kernel.reference([a, job.inputs[1]])[0].values(UInt32.self) == [0x7fc0_0000])
    }

    /// One overflowing column makes every row's residual infinite; it is recomputed, and the rest is probed without it.
    @Test func `a wrong row hides behind no overflow`() throws {
        var random = TestRandom(26)
        let shape = Shape(m: 400, n: 40, k: 6)
        let job = try Kind.oneOverflowingColumn.job(shape, .f32, seed: 27)
        #expect((0..<shape.m).allSatisfy { !job.output.values(Float.self)[$0 * shape.n + 3].isFinite })
        let honest = try job.verify(try random.challenge())
        #expect(honest.isAccepted && honest.effort.rows <= 64)
        for _ in 0..<5 {
            let row = Int.random(in: 0..<shape.m, using: &random)
            let wrong = try job.output.changing(Float.self) { $0[row * shape.n + 11] *= 1.01 }
            #expect(try job.verify(wrong, try random.challenge()).refusal?.cell == Cell(row: row, column: 11))
        }
    }
}
