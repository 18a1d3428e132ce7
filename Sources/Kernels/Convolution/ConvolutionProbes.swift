import Wire

/// The class *numeric* for a convolution: secret probes of every row of its linear map, filters for lower precisions, a second look.
///
/// The map's matrix B holds a group's weights, depth × outputs, and A the inputs of each position, which is never made: the probed filters
/// B·X are convolved with the images, 8 at a time, and compared with Y·X. Bounds, limits and filters are those of the product
/// (PROTOCOL section 9, "Numeric"; docs/VERIFICATION.md, "Convolutions").
struct ConvolutionProbes {
    static func standard(_ convolution: Convolution) -> VerificationClass {
        .numeric(
            NumericFigures(
                rowLimit: 6, rmsLimit: rmsLimit, filters: Filter.family(.f32).map(\.name), secondLookRows: ConvolutionSecondLook.rows,
                isFull: convolution.depth <= NumericVerifier.longestFull))
    }

    private static let rmsLimit = 1.5
    /// Shorter sums show every lower precision by their size alone.
    private static let filteredDepth = 1024
    /// Rows that the filters look at: with 64 the standard error of a share is 1/16 at most.
    private static let filteredRows = 64
    /// Rows gathered at a time.
    private static let gatheredRows = 1024
    private static let worstRows = 64

    private let convolution: Convolution
    private let x: Tensor
    private let w: Tensor
    private let y: Tensor
    private let passes: any VerifierPasses

    init(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, passes: any VerifierPasses) {
        (self.convolution, self.x, self.w, self.y, self.passes) = (convolution, x, w, y, passes)
    }

    /// Probes, filters and their copies, residuals (twice), two lower copies of the weights, and gathered rows.
    static func scratchBytes(_ convolution: Convolution) -> Int {
        256 * (convolution.outputs + convolution.groups * convolution.depth) + 128 * convolution.rows + 8 * convolution.outputs * convolution.depth
            + 4 * gatheredRows * convolution.depth + ConvolutionScratch.passes
    }

    func verify(_ challenge: Challenge) throws(Problem) -> VerificationReport {
        var effort = VerificationReport.Effort()
        let refusal = try refusal(challenge, &effort)
        return VerificationReport(Self.standard(convolution), refusal: refusal, effort: effort)
    }

    private func refusal(_ challenge: Challenge, _ effort: inout VerificationReport.Effort) throws(Problem) -> VerificationReport.Refusal? {
        var stream = challenge.stream()
        let weights = try ConvolutionWeights(convolution, w, passes: passes)
        let outputs = weights.nonFinite.union(weights.zero)
        if !outputs.isEmpty {
            // Left out of the probe, so compared cell by cell; admission bounds those that aren't finite, and zeros cost a read.
            effort.cells += outputs.count * convolution.batch * convolution.positions
            if let refusal = try confirmed(try passes.firstWrong(convolution, x: x, w: w, y: y, outputs: outputs)) { return refusal }
        }
        let probes = weights.norms.map { norms in
            let excluded = Set(norms.maxima.indices.filter { !(norms.maxima[$0] < .infinity) })
            return FloatProbe(norms: norms, dtype: .f32, k: convolution.depth, excluded: excluded, stream: &stream)
        }
        let look = try look(probes)
        effort.suspiciousRows = look.suspicious.count
        (effort.worstRatio, effort.rmsRatio) = (look.worstRatio, look.rms)

        // Rows that can't be probed, cell by cell: all that read a NaN or an infinity, and a secret choice of those that overflowed.
        let budget = max(Self.worstRows, convolution.rows / 20)
        let single = look.nonFinite + stream.distinct(budget, below: look.overflowing.count).map { look.overflowing[$0] }
        effort.rows += single.count
        if let refusal = try confirmed(try passes.firstWrong(convolution, x: x, w: w, y: y, rows: single)) { return refusal }

        effort.largestTrace = try trace(probes, look, &stream)
        guard !look.suspicious.isEmpty || !(look.rms <= Self.rmsLimit) || effort.largestTrace > 0 else { return nil }
        effort.isSecondLook = true
        let second = ConvolutionSecondLook(convolution, x: x, w: w, y: y, scales: weights.scales, passes: passes)
        let random = stream.distinct(ConvolutionSecondLook.rows, below: convolution.rows)
        effort.rows += ConvolutionSecondLook.rows + random.count
        return try second.refusal(worst: Array(look.order.prefix(ConvolutionSecondLook.rows)), random: random)
    }

    private func confirmed(_ cell: Int?) throws(Problem) -> VerificationReport.Refusal? {
        guard let cell else { return nil }
        if let refusal = ReferenceConvolution(convolution: convolution, x: x, w: w).refusal(y, cell: cell) { return refusal }
        throw Problem(.internalError, "a verifier pass disagrees with the definition at element \(cell)")
    }

    /// What the probe says of all rows.
    private struct Look {
        /// Rows over the limit.
        var suspicious: [Int] = []
        /// The worst rows first: enough for a second look.
        var order: [Int] = []
        /// Rows that read a NaN or an infinity.
        var nonFinite: [Int] = []
        /// Rows whose Y isn't finite where honest sums may have overflowed.
        var overflowing: [Int] = []
        var rms = 0.0
        var worstRatio = 0.0
    }

    private func look(_ probes: [FloatProbe]) throws(Problem) -> Look {
        var found = try rows(probes, energies: false)
        // Energies only widen a bound: they are asked for where some row or their mean is outside without them.
        if found.look.suspicious.isEmpty, found.look.rms <= Self.rmsLimit { return found.look }
        found = try rows(probes, energies: true)
        guard !found.look.suspicious.isEmpty else { return found.look }
        // Running sums as well, for so few rows that it takes no time; of more rows some are rightly suspicious, or the second look says so.
        let doubtful = Array(found.look.order.prefix(min(Self.gatheredRows, found.look.suspicious.count)))
        let running = try runningSums(doubtful, found.probed)
        let cleared = Set(
            zip(doubtful, running).filter { index, sum in
                probes[convolution.row(index).group].ratio(found.rows[index], running: sum) <= probes[0].limit
            }.map(\.0))
        found.look.suspicious.removeAll { cleared.contains($0) }
        return found.look
    }

    private func rows(_ probes: [FloatProbe], energies: Bool) throws(Problem) -> (rows: [RowResidual], probed: [ProbedRows], look: Look) {
        let weights = try convolution.weights(w)
        var probed: [ProbedRows] = []
        for (group, probe) in probes.enumerated() {
            probed.append(try passes.probe(try MatrixView(weights, transposed: true, batch: group), with: probe.columns, energies: energies))
        }
        let probe = ConvolutionProbe(
            filters: probed.flatMap(\.y), energies: energies ? probed.flatMap { $0.energies ?? [] } : nil, x: probes.flatMap(\.columns.x),
            weights: probes.flatMap(\.columns.weights))
        let rows = try passes.residuals(convolution, x: x, y: y, probe: probe)
        guard rows.count == convolution.rows else { throw Problem(.internalError, "a verifier pass gave \(rows.count) rows, not \(convolution.rows)") }
        // Reads X and W once more: only where it matters.
        let mayOverflow = rows.contains { $0.maximum < .infinity && !$0.residual.isFinite } && mayOverflow
        var look = Look()
        var ratios: [(index: Int, ratio: Double)] = []
        var (sum, count) = (0.0, 0)
        for (index, row) in rows.enumerated() {
            guard row.maximum < .infinity else {
                look.nonFinite.append(index)
                continue
            }
            if !row.residual.isFinite, mayOverflow {
                look.overflowing.append(index)
                continue
            }
            let probe = probes[index / convolution.positions % convolution.groups]
            let ratio = probe.ratio(row)
            sum += ratio * ratio
            count += 1
            if ratio.isFinite { look.worstRatio = max(look.worstRatio, ratio) }
            // Written so that NaN is suspicious.
            guard !(ratio <= probe.limit) else { continue }
            look.suspicious.append(index)
            ratios.append((index, ratio.isNaN ? .infinity : ratio))
        }
        look.rms = count > 0 ? (sum / Double(count)).squareRoot() : 0
        if ratios.isEmpty, !(look.rms <= Self.rmsLimit) {
            ratios = rows.indices.filter { rows[$0].maximum < .infinity && rows[$0].residual.isFinite }.map {
                ($0, probes[convolution.row($0).group].ratio(rows[$0]))
            }
        }
        look.order = ratios.sorted { ($0.ratio, $1.index) > ($1.ratio, $0.index) }.prefix(Self.gatheredRows).map(\.index)
        return (rows, probed, look)
    }

    /// Whether k·max|x|·max|w| leaves room for an overflow.
    private var mayOverflow: Bool {
        func maximum(_ tensor: Tensor) -> Double {
            Double(
                tensor.withElements(as: Float.self) { elements in
                    var largest: Float = 0
                    for index in elements.indices where elements[index].isFinite { largest = max(largest, elements[index].magnitude) }
                    return largest
                })
        }
        return Double(convolution.depth) * maximum(x) * maximum(w) >= ReferenceConvolution.overflow
    }

    /// Q_i of some rows, gathered.
    private func runningSums(_ rows: [Int], _ probed: [ProbedRows]) throws(Problem) -> [Double] {
        let inputs = try passes.gather(convolution, x: x, rows: rows)
        var sums = [Double](repeating: 0, count: rows.count)
        for (group, lines) in Dictionary(grouping: rows.indices, by: { convolution.row(rows[$0]).group }) {
            let found = try passes.runningSums(a: try MatrixView(inputs), rows: probed[group], indices: lines)
            for (line, sum) in zip(lines, found) { sums[line] = sum }
        }
        return sums
    }

    /// The largest trace of a lower precision in the errors of some secret rows; 0 if there is none.
    private func trace(_ probes: [FloatProbe], _ look: Look, _ stream: inout ChallengeStream) throws(Problem) -> Double {
        guard convolution.depth > Self.filteredDepth else { return 0 }
        let left = Set(look.nonFinite + look.overflowing)
        let rows = stream.distinct(Self.filteredRows, below: convolution.rows).filter { !left.contains($0) }
        return try ConvolutionFilters(convolution, x: x, w: w, y: y, passes: passes).largest(rows, probes, &stream)
    }
}
