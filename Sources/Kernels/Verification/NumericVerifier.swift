package import Wire

/// The class *numeric*: was C = A·B computed in its format, in whatever order?
///
/// Eight secret probes compare every row of C with A·(B·X) against the rounding T_i that any order commits (`FloatProbe`). A job is clear when
/// no row is off by more than `rowLimit`·T_i, the rows' root mean square is within `rmsLimit`, and no filter finds the trace of a lower
/// precision. Any other job of F32 or BF16 gets a second look (`SecondLook`), which alone refuses; one of F64 is refused, since
/// no honest one comes near its limits. A batch is one job. Source: PROTOCOL section 9, "Probes for floats" and "Numeric".
package struct NumericVerifier {
    private let gemm: GEMM
    private let a: MatrixView
    private let b: MatrixView
    private let c: MatrixView
    private let passes: any VerifierPasses
    private var figures: NumericFigures { Self.figures(gemm) }

    /// Views of m × k, k × n and m × n, or batches of such: A and B both F32, F64 or BF16, C F32 (BF16's too) or F64.
    package init(_ gemm: GEMM, a: MatrixView, b: MatrixView, c: MatrixView, passes: any VerifierPasses) {
        (self.gemm, self.a, self.b, self.c, self.passes) = (gemm, a, b, c, passes)
    }

    /// Rows of all products.
    private var rowCount: Int { gemm.count * gemm.m }

    package func verify(_ challenge: Challenge) throws(Problem) -> VerificationReport {
        var effort = VerificationReport.Effort()
        let refusal = try refusal(challenge, &effort)
        return VerificationReport(Self.standard(gemm), refusal: refusal, effort: effort)
    }

    private func refusal(_ challenge: Challenge, _ effort: inout VerificationReport.Effort) throws(Problem) -> VerificationReport.Refusal? {
        guard rowCount > 0, gemm.n > 0 else { return nil }
        var stream = challenge.stream()
        let norms = try passes.columnNorms(b)
        let special = SpecialCells(gemm, a: a, b: b, c: c, passes: passes)
        let columns = norms.maxima.indices.filter { !(norms.maxima[$0] < .infinity) }
        if let refusal = special.wrongZeroColumn(norms) { return refusal }
        if let refusal = try special.wrongColumn(columns) { return refusal }
        effort.cells += columns.count * gemm.m

        let probe = FloatProbe(norms: norms, dtype: c.dtype, k: gemm.k, products: gemm.count, excluded: [], stream: &stream)
        var look = try look(probe, energies: false)
        if !look.isClear(figures) { look = try self.look(probe, energies: true) }
        let nonFinite = look.rows.indices.filter { !(look.rows[$0].maximum < .infinity) }
        if let refusal = try special.wrongRow(nonFinite) { return refusal }
        (effort.rows, effort.suspiciousRows) = (nonFinite.count, look.ratios.count { !($0 <= figures.rowLimit) })
        effort.worstRatio = look.ratios.reduce(0) { $1.isFinite ? max($0, $1) : $0 }
        effort.rmsRatio = look.rms
        let isClear = look.isClear(figures)
        if isClear {
            guard !figures.filters.isEmpty, gemm.k > Self.longestWithoutFilters else { return nil }
            effort.largestTrace = try Traces(gemm, a: a, b: b, passes: passes).largest(probe, look, &stream)
            if effort.largestTrace == 0 { return nil }
        }
        let second = SecondLook(gemm, a: a, b: b, c: c, probe: probe, passes: passes)
        guard c.dtype != .f64 else { return try second.refusalWithoutLook(look, figures) }
        effort.isSecondLook = true
        return try second.refusal(look, &stream, &effort)
    }

    /// What the probes say of all rows, with the energies of B's rows and the running sums of A's where they may widen a bound.
    private func look(_ probe: FloatProbe, energies: Bool) throws(Problem) -> ProbeLook {
        let probed = try passes.probe(b, with: probe.columns, energies: energies)
        let hasFilters = !figures.filters.isEmpty && gemm.k > Self.longestWithoutFilters
        let found = try passes.rowResiduals(a: a, c: c, rows: probed, probe: probe.columns, vectors: hasFilters)
        guard found.rows.count == rowCount else { throw Problem(.internalError, "a verifier pass gave \(found.rows.count) rows, not \(rowCount)") }
        var running = [Double](repeating: 0, count: energies ? rowCount : 0)
        let finite = energies ? found.rows.indices.filter { found.rows[$0].maximum < .infinity } : []
        if !finite.isEmpty {
            let sums = try passes.runningSums(a: a, rows: probed, indices: finite)
            guard sums.count == finite.count else { throw Problem(.internalError, "a verifier pass gave \(sums.count) rows, not \(finite.count)") }
            for (index, sum) in zip(finite, sums) { running[index] = sum }
        }
        return ProbeLook(probe, found, probed.y, running: running, rowsPerProduct: gemm.m)
    }
}

/// What a probe says of every row of a product of floats.
struct ProbeLook {
    let rows: [RowResidual]
    /// R_i / T_i; 0 for a row with a NaN or an infinity in A, which is checked otherwise.
    let ratios: [Double]
    /// Their root mean square over the other rows.
    let rms: Double
    /// (CX)_i − (ABX)_i and (ABX)_i, 8 for each row, and BX, where the filters need them.
    let differences: [Double]
    let images: [Double]
    let y: [Double]

    init(_ probe: FloatProbe, _ found: RowResiduals, _ y: [Double], running: [Double], rowsPerProduct: Int) {
        rows = found.rows
        ratios = found.rows.enumerated().map { index, row in
            row.maximum < .infinity ? probe.ratio(row, running: running.isEmpty ? 0 : running[index], product: index / rowsPerProduct) : 0
        }
        let counted = found.rows.count { $0.maximum < .infinity }
        rms = counted > 0 ? (ratios.reduce(0) { $0 + $1 * $1 } / Double(counted)).squareRoot() : 0
        (differences, images, self.y) = (found.differences, found.images, y)
    }

    /// Written so that NaN is not clear.
    func isClear(_ figures: NumericFigures) -> Bool { rms <= figures.rmsLimit && ratios.allSatisfy { $0 <= figures.rowLimit } }

    /// The rows that aren't finite by their input are left out; worst first, NaN above all.
    var worstFirst: [Int] {
        func key(_ index: Int) -> Double { ratios[index].isNaN ? .infinity : ratios[index] }
        return rows.indices.filter { rows[$0].maximum < .infinity }.sorted { (key($0), $1) > (key($1), $0) }
    }
}
