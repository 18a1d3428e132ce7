import Wire

/// The class *bits*: has every cell of C the bits that panel-256 defines, at a small share of the work?
///
/// 512 secret cells are recomputed by the definition: a lower precision or another order differs in nearly every cell. A
/// secret probe (`FloatProbe`) compares every row of C with A·(B·X); rows outside the bound of honest rounding are recomputed
/// whole. The probe only says where to look: an output is refused iff some bit differs, so honest work never is.
/// A batch is one job: the cells are drawn from all of it, and its rows are counted through. Where the products are so small that the
/// probe would cost more than they do, every cell is recomputed. Source: PROTOCOL section 9, "Probes for floats", "Bits" and "Non-finite".
struct BitsVerifier {
    static let cellCount = 512
    static let worstRows = 64
    static let standard = VerificationClass.bits(cells: cellCount, worstRows: worstRows)

    /// Cells and rows handed to one pass.
    private static let cellsPerPass = 1 << 16
    /// About a million cells, but at least one row; of a product that is probed, at most 64.
    private static func rowsPerPass(_ gemm: GEMM) -> Int { min(isRecomputed(gemm) ? .max : 64, max(1, (1 << 20) / max(gemm.n, 1))) }

    private let gemm: GEMM
    private let a: MatrixView
    private let b: MatrixView
    private let c: MatrixView
    private let passes: any VerifierPasses

    /// Views of m × k, k × n and m × n, all F32 or all F64; or batches of such.
    init(_ gemm: GEMM, a: MatrixView, b: MatrixView, c: MatrixView, passes: any VerifierPasses) {
        (self.gemm, self.a, self.b, self.c, self.passes) = (gemm, a, b, c, passes)
    }

    /// Bytes of the probe and of one pass of rows: X, Y, weights, energies and norms, the copies of X and Y that a vectorised pass makes,
    /// residuals, and what is noted of rows in doubt.
    static func scratchBytes(_ gemm: GEMM) -> Int {
        let perCell = MemoryLayout<Cell>.size + MemoryLayout<UInt64>.size
        let rows = perCell * rowsPerPass(gemm) * gemm.n
        if isRecomputed(gemm) { return rows }
        let (sum, overflow) = Checked.saturating(160 * (gemm.n + gemm.k) + 128 * gemm.m, gemm.count).addingReportingOverflow(rows)
        return overflow ? Int.max : sum
    }

    /// Whether to recompute all of a batch: below some 32 terms on average the probe's eight columns in binary64 cost more.
    private static func isRecomputed(_ gemm: GEMM) -> Bool {
        guard gemm.count > 1, max(gemm.m, gemm.n, gemm.k) < 1 << 20 else { return false }
        return gemm.m * gemm.n * gemm.k <= 32 * (gemm.k * gemm.n + gemm.m * gemm.k + gemm.m * gemm.n)
    }

    /// Rows of all products.
    private var rowCount: Int { gemm.count * gemm.m }

    func verify(_ challenge: Challenge) throws(Problem) -> VerificationReport {
        var effort = VerificationReport.Effort()
        let refusal = try refusal(challenge, &effort)
        return VerificationReport(Self.standard, refusal: refusal, effort: effort)
    }

    private func refusal(_ challenge: Challenge, _ effort: inout VerificationReport.Effort) throws(Problem) -> VerificationReport.Refusal? {
        var stream = challenge.stream()
        let secret = stream.distinct(Self.cellCount, below: rowCount * gemm.n).map { Cell(row: $0 / gemm.n, column: $0 % gemm.n) }
        if let refusal = try recompute(secret, &effort) { return refusal }
        if secret.count == rowCount * gemm.n { return nil }
        if Self.isRecomputed(gemm) { return try recompute(rows: 0..<rowCount, &effort) }

        let norms = try passes.columnNorms(b)
        if let refusal = wrongZeroColumn(norms) { return refusal }
        let nonFinite = Set(norms.maxima.indices.filter { !(norms.maxima[$0] < .infinity) })
        if let refusal = try recompute(columns: nonFinite, &effort) { return refusal }

        var look = try look(norms, excluding: nonFinite, &stream)
        if look.overflowing.count > overflowBudget, let columns = overflowingColumns(look.overflowing) {
            // Few columns overflow in many rows: recompute them, and probe the rest without them.
            if let refusal = try recompute(columns: columns, &effort) { return refusal }
            look = try self.look(norms, excluding: nonFinite.union(columns), &stream)
        }
        effort.suspiciousRows = look.suspicious.count + look.overflowing.count
        effort.worstRatio = look.worstRatio
        let overflowing = stream.distinct(overflowBudget, below: look.overflowing.count).map { look.overflowing[$0] }
        return try recompute(rows: look.suspicious.prefix(Self.worstRows) + look.nonFinite + overflowing, &effort)
    }

    /// Where the probe points.
    private struct Look {
        /// Outside the bound, worst first.
        var suspicious: [Int] = []
        /// With a NaN or an infinity in A: taken out of the probe, always recomputed. Admission bounds their number.
        var nonFinite: [Int] = []
        /// With a NaN or an infinity in C that honest work may have made by overflow.
        var overflowing: [Int] = []
        var worstRatio = 0.0
    }

    private func look(_ norms: ColumnNorms, excluding excluded: Set<Int>, _ stream: inout ChallengeStream) throws(Problem) -> Look {
        let probe = FloatProbe(norms: norms, dtype: b.dtype, k: gemm.k, products: gemm.count, excluded: excluded, stream: &stream)
        let m = gemm.m
        var (probed, rows) = try residuals(probe, energies: false)
        // Energies can widen a bound and never narrow it: they are only asked for where some row is outside without them.
        if rows.indices.contains(where: {
            rows[$0].maximum < .infinity && rows[$0].residual.isFinite && !(probe.ratio(rows[$0], product: $0 / m) <= probe.limit)
        }) {
            (probed, rows) = try residuals(probe, energies: true)
        }
        let largest = (0..<gemm.count).map { product in
            (product * gemm.n..<(product + 1) * gemm.n).reduce(0) { probe.columns.weights[$1] > 0 ? max($0, norms.maxima[$1]) : $0 }
        }
        var look = Look()
        var doubtful: [Int] = []
        for (index, row) in rows.enumerated() {
            guard row.maximum < .infinity else {
                look.nonFinite.append(index)
                continue
            }
            let ratio = probe.ratio(row, product: index / m)
            // Written so that NaN is suspicious.
            if ratio <= probe.limit {
                look.worstRatio = max(look.worstRatio, ratio)
            } else if !row.residual.isFinite, probe.mayOverflow(row, largest[index / m]) {
                look.overflowing.append(index)
            } else {
                doubtful.append(index)
            }
        }
        // Only for these rows does it matter whether the running sums were larger than their expectation.
        let running = doubtful.isEmpty ? [] : try passes.runningSums(a: a, rows: probed, indices: doubtful)
        guard running.count == doubtful.count else { throw Problem(.internalError, "a verifier pass gave \(running.count) rows, not \(doubtful.count)") }
        var ratios: [Int: Double] = [:]
        for (index, sum) in zip(doubtful, running) {
            let ratio = probe.ratio(rows[index], running: sum, product: index / m)
            if ratio.isFinite { look.worstRatio = max(look.worstRatio, ratio) }
            guard !(ratio <= probe.limit) else { continue }
            look.suspicious.append(index)
            ratios[index] = ratio.isNaN ? .infinity : ratio
        }
        look.suspicious.sort { (ratios[$0, default: 0], $1) > (ratios[$1, default: 0], $0) }
        return look
    }

    private func residuals(_ probe: FloatProbe, energies: Bool) throws(Problem) -> (ProbedRows, [RowResidual]) {
        let probed = try passes.probe(b, with: probe.columns, energies: energies)
        let rows = try passes.rowResiduals(a: a, c: c, rows: probed, probe: probe.columns, vectors: false).rows
        guard rows.count == rowCount else { throw Problem(.internalError, "a verifier pass gave \(rows.count) rows, not \(rowCount)") }
        return (probed, rows)
    }

    /// Rows that overflow honestly are all recomputed up to this number; beyond it, a secret choice of them.
    private var overflowBudget: Int { max(Self.worstRows, rowCount / 20) }

    /// The columns (of all products, counted through) in which those rows are not finite, if they are few enough to be recomputed.
    private func overflowingColumns(_ rows: [Int]) -> Set<Int>? {
        let exponentMask: UInt64 = c.dtype == .f64 ? 0x7ff0_0000_0000_0000 : 0x7f80_0000
        var columns: Set<Int> = []
        for row in rows {
            let start = row / gemm.m * gemm.n
            for column in 0..<gemm.n where c.bits(row, column) & exponentMask == exponentMask { columns.insert(start + column) }
            if Double(columns.count) > NonFinite.admittedShare * Double(gemm.count * gemm.n) { return nil }
        }
        return columns
    }

    /// The cells of a column, one of all products', counted through.
    private func cells(ofColumn column: Int) -> [Cell] {
        let (product, inside) = (column / gemm.n, column % gemm.n)
        return (product * gemm.m..<(product + 1) * gemm.m).map { Cell(row: $0, column: inside) }
    }

    /// A zero column of B has weight 0, but its cells are known: +0, unless the row of A is not finite (then it is recomputed).
    private func wrongZeroColumn(_ norms: ColumnNorms) -> VerificationReport.Refusal? {
        for column in norms.maxima.indices where norms.maxima[column] == 0 {
            for cell in cells(ofColumn: column) where c.bits(cell.row, cell.column) != 0 {
                if let refusal = BitComparison.refusal(gemm, a, b, c, cell) { return refusal }
            }
        }
        return nil
    }

    private func recompute(columns: Set<Int>, _ effort: inout VerificationReport.Effort) throws(Problem) -> VerificationReport.Refusal? {
        for column in columns.sorted() {
            if let refusal = try recompute(cells(ofColumn: column), &effort) { return refusal }
        }
        return nil
    }

    private func recompute(_ cells: [Cell], _ effort: inout VerificationReport.Effort) throws(Problem) -> VerificationReport.Refusal? {
        for start in stride(from: 0, to: cells.count, by: Self.cellsPerPass) {
            let part = Array(cells[start..<min(start + Self.cellsPerPass, cells.count)])
            effort.cells += part.count
            let bits = try passes.recomputeCells(gemm, a: a, b: b, cells: part)
            if let refusal = try compare(part, bits) { return refusal }
        }
        return nil
    }

    private func recompute(rows: some Collection<Int>, _ effort: inout VerificationReport.Effort) throws(Problem) -> VerificationReport.Refusal? {
        let rows = Array(rows)
        let step = Self.rowsPerPass(gemm)
        for start in stride(from: 0, to: rows.count, by: step) {
            let part = Array(rows[start..<min(start + step, rows.count)])
            effort.rows += part.count
            let bits = try passes.recomputeRows(gemm, a: a, b: b, rows: part)
            guard bits.count == part.count * gemm.n else { throw Problem(.internalError, "a verifier pass gave \(bits.count) cells") }
            if let place = c.dtype == .f64 ? firstDifference(UInt64.self, part, bits) : firstDifference(UInt32.self, part, bits) {
                let cell = Cell(row: part[place / gemm.n], column: place % gemm.n)
                if let refusal = try compare([cell], [bits[place]]) { return refusal }
            }
        }
        return nil
    }

    /// Where in `bits`, the rows of C that `rows` names, C differs for the first time.
    private func firstDifference<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, _ rows: [Int], _ bits: [UInt64]) -> Int? {
        let n = gemm.n
        return c.tensor.withElements(as: type) { elements in
            for (index, row) in rows.enumerated() {
                let start = c.index(row, 0)
                for column in 0..<n where UInt64(truncatingIfNeeded: elements[start &+ column]) != bits[index &* n &+ column] {
                    return index &* n &+ column
                }
            }
            return nil
        }
    }

    /// The first cell whose bits differ, confirmed by the plain definition.
    private func compare(_ cells: [Cell], _ bits: [UInt64]) throws(Problem) -> VerificationReport.Refusal? {
        guard cells.count == bits.count else { throw Problem(.internalError, "a verifier pass gave \(bits.count) cells, not \(cells.count)") }
        for (cell, expected) in zip(cells, bits) where c.bits(cell.row, cell.column) != expected {
            if let refusal = BitComparison.refusal(gemm, a, b, c, cell) { return refusal }
            throw Problem(.internalError, "a verifier pass disagrees with the definition at [\(cell.row), \(cell.column)]")
        }
        return nil
    }
}
