import Wire

/// The class *sampled* for attention: secret rows computed again in binary64.
///
/// Every output is first held to what any weights could give: a number between its column's least and largest value. Then 512 rows,
/// spread evenly over the heads and secret within them, are compared with the definition. R_i is a row's distance from it and T_i what
/// honest F32 may be off by (`AttentionSource`), both over columns of V weighted to one size. All is well when R_i ≤ 6·T_i in each
/// row, the root mean square of R_i/T_i is at most 1.5, and no trace of TF32 shows; otherwise `AttentionSecondLook` decides, which
/// repeats rows in F32 in several orders. Derivation and measured margins: docs/VERIFICATION.md, "Sampled: attention".
struct AttentionVerifier {
    static let rowCount = 512
    static let rowLimit = 6.0
    static let rmsLimit = 1.5
    /// Keys from which lower precisions come so near to F32's own rounding that their trace is looked for.
    static let filteredKeys = 1024
    /// Rows that the filter reads: neighbours in the sample, so that they share heads.
    static let filterRows = 48

    let attention: Attention
    let q: Tensor
    let k: Tensor
    let v: Tensor
    let o: Tensor
    let passes: any VerifierPasses

    /// Tensors as `attention` describes them.
    init(_ attention: Attention, q: Tensor, k: Tensor, v: Tensor, o: Tensor, passes: any VerifierPasses) {
        (self.attention, self.q, self.k, self.v, self.o, self.passes) = (attention, q, k, v, o, passes)
    }

    static func figures(_ attention: Attention) -> SampledFigures {
        SampledFigures(unit: "rows", population: attention.rowCount, checked: min(rowCount, attention.rowCount))
    }

    /// Rows and what is kept of each, ranges and weights of all columns, and a thread's blocks in the vectorised passes; saturates.
    static func scratchBytes(_ attention: Attention) -> Int {
        let columns = attention.headCount.multipliedReportingOverflow(by: attention.dimension * 24)
        let rows = rowCount * attention.dimension * 40 + attention.dimension * 1024 * 64
        let (sum, overflow) = columns.partialValue.addingReportingOverflow(rows)
        return columns.overflow || overflow ? Int.max : sum
    }

    /// Scores up to which F32 means something: above, honest work may be off by a few per cent, and lower precisions can't be told from it.
    static let largestScore = 65_536.0

    /// - Throws: `non_finite_input` for a NaN or an infinity; `out_of_range` if scores may pass `largestScore` or a sum over keys 2^126.
    static func admit(_ attention: Attention, q: RowExtent, k: RowExtent, v: RowExtent) throws(Problem) {
        for (name, extent) in [("q", q), ("k", k), ("v", v)] where !(extent.maximum < .infinity) {
            throw Problem(.nonFiniteInput, "\(name) holds a NaN or an infinity")
        }
        let score = attention.scale * q.norm * k.norm
        guard score <= largestScore, q.norm * k.norm <= 0x1p126 else {
            throw Problem(.outOfRange, "scores may reach \(score), over \(largestScore): their own rounding would decide the weights")
        }
        guard v.maximum * Double(attention.keys) <= 0x1p126 else {
            throw Problem(.outOfRange, "values up to \(v.maximum) may overflow in a sum of \(attention.keys)")
        }
    }

    /// - Parameter admit: throws where the inputs should never have been admitted; called before a refusal, which then means nothing.
    func verify(_ challenge: Challenge, admit: () throws(Problem) -> Void) throws(Problem) -> VerificationReport {
        var effort = VerificationReport.Effort()
        let refusal = attention.rowCount > 0 ? try refusal(challenge, &effort) : nil
        if refusal != nil { try admit() }
        return VerificationReport(.sampled(Self.figures(attention)), refusal: refusal, effort: effort)
    }

    private func refusal(_ challenge: Challenge, _ effort: inout VerificationReport.Effort) throws(Problem) -> VerificationReport.Refusal? {
        var stream = challenge.stream()
        let rows = sample(&stream)
        let (groups, columns) = (attention.headCount, attention.dimension)
        let values = try passes.columnRanges(v, groups: groups, columns: columns)
        let outputs = try passes.columnRanges(o, groups: groups, columns: columns)
        guard values.least.count == groups * columns, outputs.least.count == groups * columns else {
            throw Problem(.internalError, "a verifier pass gave other columns than those asked for")
        }
        if let refusal = outside(values, outputs) { return refusal }

        let weights = zip(values.least, values.largest).map { Self.weight(max($0.magnitude, $1.magnitude)) }
        let found = try passes.attentionRows(attention, q: q, k: k, v: v, rows: rows, weights: weights, keptBits: 23)
        guard found.outputs.count == rows.count * columns, found.variances.count == rows.count else {
            throw Problem(.internalError, "a verifier pass gave other rows than those asked for")
        }
        (effort.rows, effort.parts) = (rows.count, rows.count)
        let comparison = AttentionComparison(attention, o: o, rows: rows, weights: weights, found: found)
        let ratios = comparison.ratios
        effort.worstRatio = ratios.reduce(0) { $1.isFinite ? max($0, $1) : $0 }
        effort.suspiciousRows = ratios.count { !($0 <= Self.rowLimit) }
        let meanSquare = ratios.reduce(0) { $0 + $1 * $1 } / Double(max(ratios.count, 1))
        // Written so that NaN is looked at again.
        let isClear = effort.suspiciousRows == 0 && meanSquare <= Self.rmsLimit * Self.rmsLimit
        let start = rows.count > Self.filterRows ? stream.integer(below: rows.count - Self.filterRows + 1) : 0
        let range = start..<min(start + Self.filterRows, rows.count)
        if isClear, try !filterSpeaks(comparison, range, weights) { return nil }
        let look = AttentionSecondLook(self, comparison: comparison, weights: weights)
        return try look.refusal(&stream, filtered: attention.keys > Self.filteredKeys)
    }

    /// Different rows, ascending: as many from each head as from any other, give or take one; where there are more heads than rows, one
    /// row from each of a secret choice of heads.
    func sample(_ stream: inout ChallengeStream) -> [Int] {
        let (heads, queries) = (attention.headCount, attention.queries)
        guard attention.rowCount > Self.rowCount else { return Array(0..<attention.rowCount) }
        let (each, rest) = Self.rowCount.quotientAndRemainder(dividingBy: heads)
        let richer = Set(stream.distinct(rest, below: heads))
        var rows: [Int] = []
        for head in 0..<heads {
            let count = each + (richer.contains(head) ? 1 : 0)
            if count > 0 { rows += stream.distinct(count, below: queries).map { head * queries + $0 } }
        }
        return rows
    }

    /// 2^(−e) of a column's largest magnitude, which brings all columns to one size; 0 for a column of zeros.
    private static func weight(_ largest: Float) -> Double {
        guard largest > 0, largest < .infinity else { return largest > 0 ? 1 : 0 }
        return Double(sign: .plus, exponent: -Int(Double(largest).exponent), significand: 1)
    }

    /// The first output that no weights could give.
    ///
    /// In F32 a sum over n keys is off by at most n·u of Σ p|v|, its rescalings by as much, the sum of the weights by n·u; 8·n·u holds
    /// all of it, and the division. Weights rounded to BF16 add 2^−8.
    private func outside(_ values: ColumnRanges, _ outputs: ColumnRanges) -> VerificationReport.Refusal? {
        let share = Double(attention.keys) * 0x1p-21 + (attention.arithmetic == .bf16F32 ? 0x1p-8 : 0x1p-20)
        for place in values.least.indices {
            let (least, largest) = (Double(values.least[place]), Double(values.largest[place]))
            let slack = share * max(least.magnitude, largest.magnitude) + 0x1p-126
            // A head without queries has no outputs: their range is (+∞, −∞).
            if Double(outputs.least[place]) >= least - slack, Double(outputs.largest[place]) <= largest + slack { continue }
            let (head, column) = place.quotientAndRemainder(dividingBy: attention.dimension)
            for row in head * attention.queries..<(head + 1) * attention.queries {
                let found = Double(o.float(row * attention.dimension + column))
                if found >= least - slack, found <= largest + slack { continue }
                let expected = AttentionSource(attention, q: q, k: k, v: v).rows([row]).outputs[column]
                return refusal(row: row, column: column, expected: expected)
            }
        }
        return nil
    }

    func refusal(row: Int, column: Int, expected: Double) -> VerificationReport.Refusal {
        let index = row * attention.dimension + column
        return VerificationReport.Refusal(
            o, Cell(row: 0, column: index), expected: UInt64(Float(expected).bitPattern), found: UInt64(o.float(index).bitPattern))
    }

    /// Whether the differences point the way that rounding Q, K and V to TF32 would push them, by more than a quarter of it and four
    /// standard errors. Only where magnitude alone doesn't tell, and only F32 has something lower to be told from it.
    private func filterSpeaks(_ comparison: AttentionComparison, _ range: Range<Int>, _ weights: [Double]) throws(Problem) -> Bool {
        guard attention.keys > Self.filteredKeys, attention.arithmetic == .f32 else { return false }
        let narrow = try passes.attentionRows(attention, q: q, k: k, v: v, rows: Array(comparison.rows[range]), weights: weights, keptBits: 10)
        guard narrow.outputs.count == range.count * attention.dimension else { throw Problem(.internalError, "a verifier pass gave other rows") }
        let (share, error) = comparison.share(of: narrow.outputs, range)
        return share > 0.25 && share > 4 * error
    }
}

extension Tensor {
    /// One element of an F32 tensor.
    func float(_ index: Int) -> Float { withElements(as: Float.self) { $0[index] } }
}
