import Wire

/// Cells of a product in free arithmetic whose value doesn't depend on the order: those of zero columns of B, and those whose row of A or
/// column of B holds a NaN or an infinity. All of them are checked.
struct SpecialCells {
    private let gemm: GEMM
    private let a: MatrixView
    private let b: MatrixView
    private let c: MatrixView
    private let passes: any VerifierPasses

    init(_ gemm: GEMM, a: MatrixView, b: MatrixView, c: MatrixView, passes: any VerifierPasses) {
        (self.gemm, self.a, self.b, self.c, self.passes) = (gemm, a, b, c, passes)
    }

    /// A zero column gives zeros of either sign, unless the row of A is not finite (then it is checked with that).
    func wrongZeroColumn(_ norms: ColumnNorms) -> VerificationReport.Refusal? {
        for column in norms.maxima.indices where norms.maxima[column] == 0 {
            let (product, inside) = (column / gemm.n, column % gemm.n)
            for row in product * gemm.m..<(product + 1) * gemm.m where c.value(row, inside) != 0 {
                let expected = Self.exact(gemm, a, b, Cell(row: row, column: inside))
                if expected == 0 { return refusal(Cell(row: row, column: inside), 0) }
            }
        }
        return nil
    }

    /// Rows of C (counted through) whose row of A is not finite.
    func wrongRow(_ rows: [Int]) throws(Problem) -> VerificationReport.Refusal? {
        try wrong(a, b, rows, gemm.n) { Cell(row: $0, column: $1) }
    }

    /// Columns of C (of all products, counted through) whose column of B is not finite: rows of Cᵀ = Bᵀ·Aᵀ.
    func wrongColumn(_ columns: [Int]) throws(Problem) -> VerificationReport.Refusal? {
        try wrong(b.transposed, a.transposed, columns, gemm.m) { Cell(row: $0 / gemm.n * gemm.m + $1, column: $0 % gemm.n) }
    }

    private func wrong(
        _ left: MatrixView, _ right: MatrixView, _ rows: [Int], _ width: Int, _ cell: (Int, Int) -> Cell
    ) throws(Problem) -> VerificationReport.Refusal? {
        let step = max(1, (1 << 20) / max(width, 1))
        for start in stride(from: 0, to: rows.count, by: step) {
            let part = Array(rows[start..<min(start + step, rows.count)])
            let sums = try passes.recomputeSums(a: left, b: right, rows: part, again: false).exact
            guard sums.count == part.count * width else { throw Problem(.internalError, "a verifier pass gave \(sums.count) sums") }
            for (index, row) in part.enumerated() {
                for place in 0..<width {
                    let (cell, sum) = (cell(row, place), sums[index * width + place])
                    // Which of NaN, +∞ and −∞ it is follows from the inputs alone: finite parts can't overflow (`NumericVerifier.admit`).
                    let found = c.value(cell.row, cell.column)
                    if sum.isNaN ? found.isNaN : sum == found || sum.isFinite { continue }
                    return refusal(cell, sum)
                }
            }
        }
        return nil
    }

    private func refusal(_ cell: Cell, _ expected: Double) -> VerificationReport.Refusal {
        VerificationReport.Refusal(c.tensor, cell, expected: c.bits(of: expected), found: c.bits(cell.row, cell.column))
    }

    /// One cell in binary64, by the plain definition; rows of a batch are counted through.
    static func exact(_ gemm: GEMM, _ a: MatrixView, _ b: MatrixView, _ cell: Cell) -> Double {
        let (left, right) = (a.matrix(cell.row / gemm.m), b.matrix(cell.row / gemm.m))
        return (0..<gemm.k).reduce(0) { $0 + left.value(cell.row % gemm.m, $1) * right.value($1, cell.column) }
    }
}

extension MatrixView {
    /// One element of F64, F32 or BF16.
    func value(_ row: Int, _ column: Int) -> Double {
        let place = index(row, column)
        return switch dtype {
        case .f64: tensor.withElements(as: Double.self) { $0[place] }
        case .bf16: Double(Float(bitPattern: UInt32(tensor.withElements(as: UInt16.self) { $0[place] }) << 16))
        default: Double(tensor.withElements(as: Float.self) { $0[place] })
        }
    }

    /// The bits of a value in this view's dtype, F64 or F32, widened with zeros.
    func bits(of value: Double) -> UInt64 { dtype == .f64 ? value.bitPattern : UInt64(Float(value).bitPattern) }
}
