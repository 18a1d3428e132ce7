import Wire

/// The second look of the class *numeric*: rows summed again in binary64 and in binary32 in several orders, which show what honest rounding does
/// to just these numbers.
///
/// Refused iff (a) some row's error is over 4 times the largest of the orders' errors and 2·T_i, or (b) for some filter the exact share β over the
/// worst 16 or over all rows is over 1/2, while the orders' own stays under 1/8 (else rounding itself is systematic on this data). Row
/// norms are weighted by 2^(−e_j), as the probe is. Source: PROTOCOL section 9, "Numeric".
struct SecondLook {
    private let gemm: GEMM
    private let a: MatrixView
    private let b: MatrixView
    private let c: MatrixView
    private let probe: FloatProbe
    private let passes: any VerifierPasses

    init(_ gemm: GEMM, a: MatrixView, b: MatrixView, c: MatrixView, probe: FloatProbe, passes: any VerifierPasses) {
        (self.gemm, self.a, self.b, self.c, self.probe, self.passes) = (gemm, a, b, c, probe, passes)
    }

    /// About a million cells, but at least one row and at most all 32.
    static func rowsPerPass(_ gemm: GEMM) -> Int { min(2 * NumericVerifier.secondLookRows, max(1, (1 << 18) / max(gemm.n, 1))) }

    func refusal(
        _ look: ProbeLook, _ stream: inout ChallengeStream, _ effort: inout VerificationReport.Effort
    ) throws(Problem) -> VerificationReport.Refusal? {
        let order = look.worstFirst
        let count = NumericVerifier.secondLookRows
        let worst = Array(order.prefix(count))
        let others = Array(order.dropFirst(count))
        let random = stream.distinct(count, below: others.count).map { others[$0] }
        effort.rows += worst.count + random.count
        // V_i widens the bound of a row; without it (a filter spoke, the rows were clear) one more pass asks for it.
        let energies = try energies(look, worst + random)
        let isWorst = Set(worst)
        var shares = Shares(orders: 0, filters: 0)
        var worstShares = shares
        let rows = (worst + random).sorted()
        for start in stride(from: 0, to: rows.count, by: Self.rowsPerPass(gemm)) {
            let part = Array(rows[start..<min(start + Self.rowsPerPass(gemm), rows.count)])
            let sums = try passes.recomputeSums(a: a, b: b, rows: part, again: true)
            let cells = part.count * gemm.n
            guard sums.exact.count == cells, (sums.filtered + sums.orders).allSatisfy({ $0.count == cells }) else {
                throw Problem(.internalError, "a verifier pass gave sums of another number")
            }
            if shares.isEmpty { (shares, worstShares) = (Shares(sums), Shares(sums)) }
            for (index, row) in part.enumerated() {
                let errors = errors(sums, index, row)
                let maximum = look.rows[row].maximum
                let bound = probe.bound(signal: errors.signal, energy: energies[row] ?? 0, maximum: maximum, product: row / gemm.m)
                let limit = 4 * errors.ofOrders + 2 * bound
                // Written so that NaN is refused.
                if !(errors.found <= limit) {
                    return try refusal(row, sums.exact, index, VerificationReport.Finding(rule: "row error", value: errors.found, limit: limit))
                }
                guard bound > 0 else { continue }
                shares.add(sums, index, c: found(row), weights: weights(row), scale: 1 / (bound * bound))
                if isWorst.contains(row) { worstShares.add(sums, index, c: found(row), weights: weights(row), scale: 1 / (bound * bound)) }
            }
        }
        for shares in [worstShares, shares] {
            for (index, filter) in Filter.family(gemm.inputDType).enumerated() {
                guard let share = shares.share(index) else { continue }
                effort.largestTrace = max(effort.largestTrace, share)
                if share > 0.5, shares.orders(index).allSatisfy({ abs($0) < 0.125 }), let row = worst.first {
                    let exact = try passes.recomputeSums(a: a, b: b, rows: [row], again: false).exact
                    return try refusal(row, exact, 0, VerificationReport.Finding(rule: "trace of \(filter.name)", value: share, limit: 0.5))
                }
            }
        }
        return nil
    }

    /// F64: what isn't clear is refused.
    func refusalWithoutLook(_ look: ProbeLook, _ figures: NumericFigures) throws(Problem) -> VerificationReport.Refusal? {
        guard let row = look.worstFirst.first else { return nil }
        let exact = try passes.recomputeSums(a: a, b: b, rows: [row], again: false).exact
        let isRow = !(look.ratios[row] <= figures.rowLimit)
        let finding = VerificationReport.Finding(
            rule: isRow ? "row error over its bound" : "rows' root mean square error over their bounds", value: isRow ? look.ratios[row] : look.rms,
            limit: isRow ? figures.rowLimit : figures.rmsLimit)
        return try refusal(row, exact, 0, finding)
    }

    /// V_i of the rows.
    private func energies(_ look: ProbeLook, _ rows: [Int]) throws(Problem) -> [Int: Double] {
        var residuals = look.rows
        if rows.allSatisfy({ residuals[$0].energy == 0 }) {
            let probed = try passes.probe(b, with: probe.columns, energies: true)
            residuals = try passes.rowResiduals(a: a, c: c, rows: probed, probe: probe.columns, vectors: false).rows
        }
        return Dictionary(rows.map { ($0, residuals[$0].energy) }) { first, _ in first }
    }

    /// The weights of a row's columns, and the row of C.
    private func weights(_ row: Int) -> ArraySlice<Double> { probe.columns.weights[row / gemm.m * gemm.n..<(row / gemm.m + 1) * gemm.n] }
    private func found(_ row: Int) -> [Double] { (0..<gemm.n).map { c.value(row, $0) } }

    /// Weighted norms of a row: of the worker's error, of the largest error of the orders, and of the row.
    private func errors(_ sums: RowSums, _ index: Int, _ row: Int) -> (found: Double, ofOrders: Double, signal: Double) {
        let (c, start) = (found(row), index * gemm.n)
        func square(_ value: (Int) -> Double) -> Double {
            zip(0..<gemm.n, weights(row)).reduce(0) { sum, next in
                guard next.1 != 0 else { return sum }
                let weighted = next.1 * value(next.0)
                return sum + weighted * weighted
            }
        }
        let orders = sums.orders.map { order in square { order[start + $0] - sums.exact[start + $0] } }
        return (square { c[$0] - sums.exact[start + $0] }.squareRoot(), (orders.max() ?? 0).squareRoot(), square { sums.exact[start + $0] })
    }

    /// The cell of the row that is off the most, once the plain definition agrees about it.
    private func refusal(_ row: Int, _ exact: [Double], _ index: Int, _ finding: VerificationReport.Finding) throws(Problem) -> VerificationReport.Refusal {
        func distance(_ column: Int, _ weight: Double) -> Double {
            let distance = abs(c.value(row, column) - exact[index * gemm.n + column]) * weight
            return distance.isNaN ? .infinity : distance
        }
        let (column, _) = zip(0..<gemm.n, weights(row)).reduce((0, -1.0)) { worst, next in
            let distance = next.1 == 0 ? 0 : distance(next.0, next.1)
            return distance > worst.1 ? (next.0, distance) : worst
        }
        let cell = Cell(row: row, column: column)
        let (plain, sum) = (SpecialCells.exact(gemm, a, b, cell), exact[index * gemm.n + column])
        // Two orders of k terms in binary64: their distance is below that of binary32's one rounding of the largest sum there can be.
        let slack = magnitude(cell) * Double(gemm.k + 1) * 0x1p-52
        guard abs(plain - sum) <= slack else {
            throw Problem(.internalError, "a verifier pass disagrees with the definition at [\(row), \(column)]")
        }
        return VerificationReport.Refusal(c.tensor, cell, expected: c.bits(of: sum), found: c.bits(row, column), finding: finding)
    }

    /// Σ |a|·|b| of a cell.
    private func magnitude(_ cell: Cell) -> Double {
        let (left, right) = (a.matrix(cell.row / gemm.m), b.matrix(cell.row / gemm.m))
        return (0..<gemm.k).reduce(0) { $0 + abs(left.value(cell.row % gemm.m, $1) * right.value($1, cell.column)) }
    }
}

/// Exact shares of the filters in the worker's error and in the orders' errors, over some rows.
private struct Shares {
    /// For each filter: Σ⟨D,D⟩, and Σ⟨r,D⟩ for the worker (first) and for each order.
    private var squares: [Double]
    private var products: [[Double]]

    init(orders: Int, filters: Int) {
        squares = Array(repeating: 0, count: filters)
        products = Array(repeating: Array(repeating: 0, count: orders + 1), count: filters)
    }

    init(_ sums: RowSums) { self.init(orders: sums.orders.count, filters: sums.filtered.count) }

    var isEmpty: Bool { squares.isEmpty }

    mutating func add(_ sums: RowSums, _ index: Int, c: [Double], weights: ArraySlice<Double>, scale: Double) {
        let start = index * c.count
        for (filter, filtered) in sums.filtered.enumerated() {
            for (column, weight) in zip(c.indices, weights) where weight != 0 {
                let place = start + column
                let d = filtered[place] - sums.exact[place]
                // A rounded operand may overflow where the operand doesn't.
                guard d.isFinite else { continue }
                let factor = weight * weight * scale * d
                squares[filter] += factor * d
                products[filter][0] += factor * (c[column] - sums.exact[place])
                for order in sums.orders.indices { products[filter][order + 1] += factor * (sums.orders[order][place] - sums.exact[place]) }
            }
        }
    }

    /// nil where the filter changes nothing.
    func share(_ filter: Int) -> Double? { squares[filter] > 0 ? products[filter][0] / squares[filter] : nil }

    func orders(_ filter: Int) -> [Double] { products[filter].dropFirst().map { $0 / squares[filter] } }
}
