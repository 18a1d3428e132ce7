import Wire

/// The second look of the class *numeric* at some rows of a convolution: PROTOCOL section 9, "Numeric".
///
/// Each row is computed in binary64 and in binary32 in six orders. It is refused iff (a) some row is further from binary64 than four
/// times the worst of the six orders and two of the bound's T_i, or (b) the trace of a lower precision makes up over half of what it
/// would leave, while the orders show less than an eighth of it. docs/VERIFICATION.md gives the margins.
struct ConvolutionSecondLook {
    /// Of the worst rows, and as many at random.
    static let rows = 16

    private let convolution: Convolution
    private let x: Tensor
    private let w: Tensor
    private let y: Tensor
    private let scales: [Double]
    private let passes: any VerifierPasses

    /// - Parameter scales: 2^(−e) of each output; 0 for those that are left out.
    init(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, scales: [Double], passes: any VerifierPasses) {
        (self.convolution, self.x, self.w, self.y) = (convolution, x, w, y)
        (self.scales, self.passes) = (scales, passes)
    }

    /// What one row says; all sums are weighted by the outputs' scales.
    private struct Finding {
        var row: Convolution.Row
        var errorSquared = 0.0
        var orderSquared: [Double]
        var boundSquared = 0.0
        /// ⟨error, D⟩, ⟨each order's error, D⟩ and ⟨D, D⟩ for each filter's difference D.
        var traces: [Double]
        var orderTraces: [[Double]]
        var powers: [Double]
        /// The output, within its group, that is furthest off.
        var worst = (output: 0, error: -1.0)

        init(_ row: Convolution.Row, orders: Int, filters: Int) {
            self.row = row
            (orderSquared, traces, powers) = (Array(repeating: 0, count: orders), Array(repeating: 0, count: filters), Array(repeating: 0, count: filters))
            orderTraces = Array(repeating: orderSquared, count: filters)
        }
    }

    /// - Parameters: worst: rows with the largest ratios. random: rows drawn from the challenge.
    func refusal(worst: [Int], random: [Int]) throws(Problem) -> VerificationReport.Refusal? {
        var findings: [Finding] = []
        let all = worst + random.filter { !worst.contains($0) }
        let inputs = try passes.gather(convolution, x: x, rows: all)
        let weights = try convolution.weights(w)
        for (line, index) in all.enumerated() {
            let row = convolution.row(index)
            let b = try MatrixView(weights, transposed: true, batch: row.group)
            let sums = try passes.recomputeSums(a: try MatrixView(inputs), b: b, rows: [line], again: true)
            guard ([sums.exact] + sums.filtered + sums.orders).allSatisfy({ $0.count == convolution.groupOutputs }) else {
                throw Problem(.internalError, "a verifier pass gave sums of another number")
            }
            guard let finding = finding(row, inputs, line, sums) else { continue }
            // Written so that NaN is refused.
            let allowed = 4 * (finding.orderSquared.max() ?? 0).squareRoot() + 2 * finding.boundSquared.squareRoot()
            guard finding.errorSquared.squareRoot() <= allowed else { return refusal(finding) }
            findings.append(finding)
        }
        for part in [Array(findings.prefix(worst.count)), findings] where isLower(part) {
            if let finding = part.max(by: { $0.errorSquared / $0.boundSquared < $1.errorSquared / $1.boundSquared }) { return refusal(finding) }
        }
        return nil
    }

    /// Whether the errors of these rows are those of a lower precision of the inputs.
    private func isLower(_ findings: [Finding]) -> Bool {
        guard let first = findings.first else { return false }
        return first.powers.indices.contains { lower in
            var (trace, power) = (0.0, 0.0)
            var orders = [Double](repeating: 0, count: first.orderSquared.count)
            for finding in findings where finding.boundSquared > 0 {
                trace += finding.traces[lower] / finding.boundSquared
                power += finding.powers[lower] / finding.boundSquared
                for order in orders.indices { orders[order] += finding.orderTraces[lower][order] / finding.boundSquared }
            }
            return power > 0 && trace / power > 0.5 && orders.allSatisfy { ($0 / power).magnitude < 0.125 }
        }
    }

    private func refusal(_ finding: Finding) -> VerificationReport.Refusal {
        let cell = convolution.cell(finding.row, output: finding.worst.output)
        let expected = ReferenceConvolution(convolution: convolution, x: x, w: w).bits(finding.row, output: finding.worst.output)
        return VerificationReport.Refusal(
            y, Cell(row: 0, column: cell), expected: UInt64(expected), found: UInt64(y.withElements(as: UInt32.self) { $0[cell] }))
    }

    /// nil for a row that can overflow or isn't finite: its cells are compared one by one elsewhere.
    private func finding(_ row: Convolution.Row, _ inputs: Tensor, _ line: Int, _ sums: RowSums) -> Finding? {
        let depth = convolution.depth
        var finding = Finding(row, orders: sums.orders.count, filters: sums.filtered.count)
        let a = inputs.withElements(as: Float.self) { inputs in (0..<depth).map { Double(inputs[line * depth + $0]) } }
        guard a.allSatisfy(\.isFinite) else { return nil }
        var (signal, energy, underflow) = (0.0, 0.0, 0.0)
        for output in 0..<convolution.groupOutputs {
            let place = row.group * convolution.groupOutputs + output
            let (scale, sum) = (scales[place], sums.exact[output])
            guard scale != 0 else { continue }
            var (magnitude, squares) = (0.0, 0.0)
            w.withElements(as: Float.self) { w in
                for l in 0..<depth {
                    let product = a[l] * Double(w[place * depth + l])
                    magnitude += product.magnitude
                    squares += product * product
                }
            }
            guard magnitude < ReferenceConvolution.overflow else { return nil }
            energy += squares * scale * scale
            let error = scale * (Double(y.withElements(as: Float.self) { $0[convolution.cell(row, output: output)] }) - sum)
            finding.errorSquared += error * error
            if !(error.magnitude <= finding.worst.error) { finding.worst = (output, error.magnitude) }
            signal += scale * scale * sum * sum
            underflow += (0x1p-150 * scale) * (0x1p-150 * scale)
            let orders = sums.orders.map { scale * ($0[output] - sum) }
            for (index, order) in orders.enumerated() { finding.orderSquared[index] += order * order }
            for (index, filtered) in sums.filtered.enumerated() {
                let difference = scale * (filtered[output] - sum)
                // A rounded operand may overflow where the operand doesn't.
                guard difference.isFinite else { continue }
                finding.traces[index] += error * difference
                finding.powers[index] += difference * difference
                for order in orders.indices { finding.orderTraces[index][order] += orders[order] * difference }
            }
        }
        // T_i² without the running sums; its energy is Σ_l a_l²·Σ_o (scale_o·b_ol)².
        let k = Double(depth)
        finding.boundSquared = 0x1p-48 / 3 * (k / 3 * signal + k / 6 * energy + signal) + k * underflow
        return finding
    }
}
