import TestSupport
import Testing
import Wire

@testable import Kernels

/// A product in free arithmetic, checked with the plain passes.
struct FreeJob {
    let gemm: GEMM
    let a: Tensor
    let b: Tensor

    /// Operands of a batch, element by element from a rule of (is B, place).
    init(_ gemm: GEMM, _ rule: (Bool, Int) -> Double) throws {
        self.gemm = gemm
        func tensor(_ name: String, _ shape: [Int], _ isB: Bool) throws -> Tensor {
            let descriptor = try TensorDescriptor(name: name, dtype: gemm.inputDType, shape: shape)
            let values = (0..<descriptor.elementCount).map { rule(isB, $0) }
            switch gemm.inputDType {
            case .f64: return try Tensor(descriptor, values)
            case .f32: return try Tensor(descriptor, values.map { Float($0) })
            default: return try Tensor(descriptor, values.map { UInt16(truncatingIfNeeded: Precision.bf16.round(Float($0)).bitPattern >> 16) })
            }
        }
        a = try tensor("a", gemm.shapeA, false)
        b = try tensor("b", gemm.shapeB, true)
    }

    init(_ gemm: GEMM, seed: UInt64) throws {
        var random = TestRandom(seed)
        try self.init(gemm) { _, _ in random.normal() }
    }

    /// C, with each cell made from its row and column.
    func output(_ cell: ([Double], [Double]) -> Double) throws -> Tensor {
        let (a, b) = (try MatrixView(batch: a, transposed: gemm.transposeA), try MatrixView(batch: b, transposed: gemm.transposeB))
        var values: [Double] = []
        for product in 0..<gemm.count {
            let (left, right) = (a.matrix(product), b.matrix(product))
            for i in 0..<gemm.m {
                let row = (0..<gemm.k).map { left.value(i, $0) }
                for j in 0..<gemm.n { values.append(cell(row, (0..<gemm.k).map { right.value($0, j) })) }
            }
        }
        let descriptor = try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC)
        return gemm.outputDType == .f64 ? try Tensor(descriptor, values) : try Tensor(descriptor, values.map { Float($0) })
    }

    /// Ascending in the output's own format, with operands rounded to fewer bits.
    func output(a precisionA: Precision? = nil, b precisionB: Precision? = nil) throws -> Tensor {
        try output { row, column in
            if gemm.outputDType == .f64 { return zip(row, column).reduce(0) { $0.addingProduct($1.0, $1.1) } }
            return Double(
                zip(row, column).reduce(Float(0)) { sum, pair in
                    let (x, y) = (Float(pair.0), Float(pair.1))
                    return sum.addingProduct(precisionA.map { $0.round(x) } ?? x, precisionB.map { $0.round(y) } ?? y)
                })
        }
    }

    func verify(_ c: Tensor, _ challenge: Challenge) throws -> VerificationReport {
        try NumericVerifier(
            gemm, a: try MatrixView(batch: a, transposed: gemm.transposeA), b: try MatrixView(batch: b, transposed: gemm.transposeB),
            c: try MatrixView(batch: c), passes: PlainPasses()
        ).verify(challenge)
    }
}

@Suite struct NumericVerifierTests {
    static let arithmetics: [Arithmetic] = [.f32, .f64, .bf16F32]

    static func gemm(_ m: Int, _ n: Int, _ k: Int, _ arithmetic: Arithmetic, batch: Int? = nil, transposed: Bool = false) throws -> GEMM {
        try GEMM(m: m, n: n, k: k, transposeA: transposed, transposeB: transposed, batch: batch, arithmetic: arithmetic)
    }

    @Test(arguments: arithmetics)
    func `honest work passes, whatever the shape`(arithmetic: Arithmetic) throws {
        var random = TestRandom(1)
        for (index, (m, n, k)) in [(0, 3, 4), (3, 0, 4), (3, 4, 0), (1, 1, 1), (5, 7, 3), (40, 1, 9), (1, 40, 9), (37, 23, 65), (12, 9, 300)].enumerated() {
            for batch in [nil, 1, 3] {
                let job = try FreeJob(try Self.gemm(m, n, k, arithmetic, batch: batch, transposed: index % 2 == 0), seed: UInt64(index))
                let report = try job.verify(try job.output(), try random.challenge())
                #expect(report.isAccepted, "\(m)×\(n)×\(k) \(report)")
            }
        }
    }

    /// Sums whose rounding all points one way are over the limits, and accepted after a second look.
    @Test(arguments: [Arithmetic.f32, .bf16F32])
    func `unusual data get a second look`(arithmetic: Arithmetic) throws {
        var random = TestRandom(2)
        let job = try FreeJob(try Self.gemm(12, 9, 3000, arithmetic)) { _, _ in 0.7 }
        let report = try job.verify(try job.output(), try random.challenge())
        #expect(report.isAccepted)
        #expect(report.effort.isSecondLook, "\(report.effort)")
        let tensor = try job.output(a: arithmetic == .f32 ? .tf32 : .e4m3, b: arithmetic == .f32 ? .tf32 : .e4m3)
        #expect(try !job.verify(tensor, try random.challenge()).isAccepted)
    }

    @Test func `lower precisions are refused`() throws {
        var random = TestRandom(3)
        for batch in [nil, 4] {
            let job = try FreeJob(try Self.gemm(40, 20, 70, .f32, batch: batch, transposed: batch != nil), seed: 5)
            for (a, b) in [(Precision.tf32, Precision.tf32), (.tf32, nil), (nil, .tf32), (.bf16, .bf16)] as [(Precision?, Precision?)] {
                let report = try job.verify(try job.output(a: a, b: b), try random.challenge())
                #expect(report.refusal?.finding?.rule == "row error")
            }
            let half = try FreeJob(try Self.gemm(40, 20, 70, .bf16F32, batch: batch), seed: 6)
            for (a, b) in [(Precision.e4m3, Precision.e4m3), (.e4m3, nil), (nil, .e4m3)] as [(Precision?, Precision?)] {
                #expect(try !half.verify(try half.output(a: a, b: b), try random.challenge()).isAccepted)
            }
        }
    }

    @Test(arguments: arithmetics)
    func `one wrong cell is found in a batch`(arithmetic: Arithmetic) throws {
        var random = TestRandom(4)
        let job = try FreeJob(try Self.gemm(9, 30, 20, arithmetic, batch: 5), seed: 7)
        let right = try job.output()
        for wrong in [Double.nan, .infinity, 1e-1] {
            let place = Int(random.next() % UInt64(5 * 9 * 30))
            let c =
                arithmetic == .f64
                ? try right.changing(Double.self) { $0[place] = wrong.isFinite ? $0[place] + wrong : wrong }
                : try right.changing(Float.self) { $0[place] = wrong.isFinite ? $0[place] + Float(wrong) : Float(wrong) }
            let report = try job.verify(c, try random.challenge())
            #expect(report.refusal?.cell == Cell(row: place / 30, column: place % 30), "\(report)")
            #expect(report.refusal?.finding != nil)
        }
    }

    @Test(arguments: arithmetics)
    func `rows and columns that aren't finite are checked by themselves`(arithmetic: Arithmetic) throws {
        var random = TestRandom(5)
        let gemm = try Self.gemm(8, 12, 10, arithmetic, batch: 2)
        // Row 3 of product 1 of A, column 5 of product 0 of B, and a column of zeros.
        let job = try FreeJob(gemm) { isB, place in
            if isB, place % 12 == 7 { return 0 }
            if isB ? place == 4 * 12 + 5 : place == 80 + 3 * 10 + 2 { return isB ? .infinity : .nan }
            return random.normal()
        }
        let right = try job.output()
        #expect(try job.verify(right, try random.challenge()).isAccepted)
        for (place, value) in [((8 + 3) * 12 + 4, 1.0), (2 * 12 + 5, 2.0), (6 * 12 + 5, -.infinity), (9 * 12 + 7, 1e-30), (12 * 12 + 7, .nan)] {
            let c =
                arithmetic == .f64
                ? try right.changing(Double.self) { $0[place] = $0[place] == value ? -value : value }
                : try right.changing(Float.self) { $0[place] = $0[place] == Float(value) ? -Float(value) : Float(value) }
            #expect(try job.verify(c, try random.challenge()).refusal?.cell == Cell(row: place / 12, column: place % 12), "\(place)")
        }
    }

    /// Above k = 2048 the size of the errors alone no longer gives TF32 of B away; its trace does.
    @Test func `a filter speaks`() throws {
        var random = TestRandom(6)
        let gemm = try Self.gemm(24, 12, 2100, .f32)
        let job = try FreeJob(gemm) { _, _ in random.unit() }
        #expect(try job.verify(try job.output(), try random.challenge()).effort.largestTrace == 0)
        let report = try job.verify(try job.output(b: .tf32), try random.challenge())
        #expect(!report.isAccepted && report.effort.isSecondLook)
    }

    @Test func `what could overflow isn't admitted`() throws {
        let gemm = try Self.gemm(1, 2, 2, .f32)
        let norms = { (maximum: Double) in ColumnNorms(sumsOfSquares: [maximum * maximum, 1], maxima: [maximum, 1]) }
        try NumericVerifier.admit(rows: norms(1e19), columns: norms(1e19), gemm)
        #expect(throws: Problem.self) { try NumericVerifier.admit(rows: norms(1e20), columns: norms(1e19), gemm) }
        try NumericVerifier.admit(rows: norms(.infinity), columns: norms(1e19), gemm)
        #expect(throws: Problem.self) { try NumericVerifier.check(try Self.gemm(1, 1, 16_385, .f32)) }
        #expect(!NumericVerifier.figures(try Self.gemm(1, 1, 5000, .f32)).isFull)
    }
}
