import Wire

/// The class *bits*: has every cell of C the bits that panel-256 defines, at a small share of the work?
///
/// 512 secret cells are recomputed by the definition: a lower precision or another order differs in nearly every cell. A
/// secret probe (`FloatProbe`) compares every row of C with A·(B·X); rows outside the bound of honest rounding are recomputed
/// whole. The probe only says where to look: an output is refused iff some bit differs, so honest work never is.
/// Source: PROTOCOL section 9, "Probes for floats", "Bits" and "Non-finite".
struct BitsVerifier {
    static let cellCount = 512
    static let worstRows = 64
    static let standard = VerificationClass.bits(cells: cellCount, worstRows: worstRows)

    /// Cells and rows handed to one pass.
    private static let cellsPerPass = 1 << 16
    /// At most 64, and about a million cells, but at least one.
    private static func rowsPerPass(_ n: Int) -> Int { min(64, max(1, (1 << 20) / max(n, 1))) }

    private let gemm: GEMM
    private let a: MatrixView
    private let b: MatrixView
    private let c: MatrixView
    private let passes: any VerifierPasses

    /// Views of m × k, k × n and m × n, all F32 or all F64.
    init(_ gemm: GEMM, a: MatrixView, b: MatrixView, c: MatrixView, passes: any VerifierPasses) {
        (self.gemm, self.a, self.b, self.c, self.passes) = (gemm, a, b, c, passes)
    }

    /// Bytes of the probe and of one pass of rows: X, Y, weights, energies and norms, the copies of X and Y that a vectorised pass makes,
    /// residuals, and what is noted of rows in doubt.
    static func scratchBytes(_ gemm: GEMM) -> Int {
        let perCell = MemoryLayout<Cell>.size + MemoryLayout<UInt64>.size
        return 160 * (gemm.n + gemm.k) + 128 * gemm.m + perCell * rowsPerPass(gemm.n) * gemm.n
    }

    func verify(_ challenge: Challenge) throws(Problem) -> VerificationReport {
        var effort = VerificationReport.Effort()
        let refusal = try refusal(challenge, &effort)
        return VerificationReport(Self.standard, refusal: refusal, effort: effort)
    }

    private func refusal(_ challenge: Challenge, _ effort: inout VerificationReport.Effort) throws(Problem) -> VerificationReport.Refusal? {
        var stream = challenge.stream()
        let secret = stream.distinct(Self.cellCount, below: gemm.m * gemm.n).map { Cell(row: $0 / gemm.n, column: $0 % gemm.n) }
        if let refusal = try recompute(secret, &effort) { return refusal }
        if secret.count == gemm.m * gemm.n { return nil }

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
        let probe = FloatProbe(norms: norms, dtype: b.dtype, k: gemm.k, excluded: excluded, stream: &stream)
        var (probed, rows) = try residuals(probe, energies: false)
        // Energies can widen a bound and never narrow it: they are only asked for where some row is outside without them.
        if rows.contains(where: { $0.maximum < .infinity && $0.residual.isFinite && !(probe.ratio($0) <= probe.limit) }) {
            (probed, rows) = try residuals(probe, energies: true)
        }
        let largest = zip(norms.maxima, probe.columns.weights).reduce(0) { $1.1 > 0 ? max($0, $1.0) : $0 }
        var look = Look()
        var doubtful: [Int] = []
        for (index, row) in rows.enumerated() {
            guard row.maximum < .infinity else {
                look.nonFinite.append(index)
                continue
            }
            let ratio = probe.ratio(row)
            // Written so that NaN is suspicious.
            if ratio <= probe.limit {
                look.worstRatio = max(look.worstRatio, ratio)
            } else if !row.residual.isFinite, probe.mayOverflow(row, largest) {
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
            let ratio = probe.ratio(rows[index], running: sum)
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
        let rows = try passes.rowResiduals(a: a, c: c, rows: probed, probe: probe.columns)
        guard rows.count == gemm.m else { throw Problem(.internalError, "a verifier pass gave \(rows.count) rows, not \(gemm.m)") }
        return (probed, rows)
    }

    /// Rows that overflow honestly are all recomputed up to this number; beyond it, a secret choice of them.
    private var overflowBudget: Int { max(Self.worstRows, gemm.m / 20) }

    /// The columns in which those rows are not finite, if they are few enough to be recomputed.
    private func overflowingColumns(_ rows: [Int]) -> Set<Int>? {
        let exponentMask: UInt64 = c.dtype == .f64 ? 0x7ff0_0000_0000_0000 : 0x7f80_0000
        var columns: Set<Int> = []
        for row in rows {
            for column in 0..<gemm.n where c.bits(row, column) & exponentMask == exponentMask { columns.insert(column) }
            if Double(columns.count) > NonFinite.admittedShare * Double(gemm.n) { return nil }
        }
        return columns
    }

    /// A zero column of B has weight 0, but its cells are known: +0, unless the row of A is not finite (then it is recomputed).
    private func wrongZeroColumn(_ norms: ColumnNorms) -> VerificationReport.Refusal? {
        for column in norms.maxima.indices where norms.maxima[column] == 0 {
            for row in 0..<gemm.m where c.bits(row, column) != 0 {
                if let refusal = BitComparison.refusal(gemm, a, b, c, Cell(row: row, column: column)) { return refusal }
            }
        }
        return nil
    }

    private func recompute(columns: Set<Int>, _ effort: inout VerificationReport.Effort) throws(Problem) -> VerificationReport.Refusal? {
        for column in columns.sorted() {
            if let refusal = try recompute((0..<gemm.m).map { Cell(row: $0, column: column) }, &effort) { return refusal }
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

    private func recompute(rows: [Int], _ effort: inout VerificationReport.Effort) throws(Problem) -> VerificationReport.Refusal? {
        let rowsPerPass = Self.rowsPerPass(gemm.n)
        for start in stride(from: 0, to: rows.count, by: rowsPerPass) {
            let part = Array(rows[start..<min(start + rowsPerPass, rows.count)])
            effort.rows += part.count
            let bits = try passes.recomputeRows(gemm, a: a, b: b, rows: part)
            let cells = part.flatMap { row in (0..<gemm.n).map { Cell(row: row, column: $0) } }
            if let refusal = try compare(cells, bits) { return refusal }
        }
        return nil
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
