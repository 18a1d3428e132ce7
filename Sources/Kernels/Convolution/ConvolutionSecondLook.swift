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
        var orderSquared = [Double](repeating: 0, count: SumOrder.allCases.count)
        var boundSquared = 0.0
        /// ⟨error, D⟩, ⟨each order's error, D⟩ and ⟨D, D⟩ for each lower precision's difference D.
        var traces = [Double](repeating: 0, count: LowerPrecision.allCases.count)
        var orderTraces = [[Double]](repeating: [Double](repeating: 0, count: SumOrder.allCases.count), count: LowerPrecision.allCases.count)
        var powers = [Double](repeating: 0, count: LowerPrecision.allCases.count)
        /// The output, within its group, that is furthest off.
        var worst = (output: 0, error: -1.0)
    }

    /// - Parameters: worst: rows with the largest ratios. random: rows drawn from the challenge.
    func refusal(worst: [Int], random: [Int]) throws(Problem) -> VerificationReport.Refusal? {
        var findings: [Finding] = []
        let all = worst + random.filter { !worst.contains($0) }
        let inputs = try passes.gather(convolution, x: x, rows: all)
        for (line, index) in all.enumerated() {
            guard let finding = finding(convolution.row(index), inputs, line) else { continue }
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
        LowerPrecision.allCases.indices.contains { lower in
            var (trace, power) = (0.0, 0.0)
            var orders = [Double](repeating: 0, count: SumOrder.allCases.count)
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
    private func finding(_ row: Convolution.Row, _ inputs: Tensor, _ line: Int) -> Finding? {
        let depth = convolution.depth
        var finding = Finding(row: row)
        let a = inputs.withElements(as: Float.self) { inputs in (0..<depth).map { inputs[line * depth + $0] } }
        guard a.allSatisfy(\.isFinite) else { return nil }
        let lowered = LowerPrecision.allCases.map { lower in a.map { lower.first($0) } }
        var (signal, energy, underflow) = (0.0, 0.0, 0.0)
        for output in 0..<convolution.groupOutputs {
            let place = row.group * convolution.groupOutputs + output
            let scale = scales[place]
            guard scale != 0 else { continue }
            let b = w.withElements(as: Float.self) { w in (0..<depth).map { w[place * depth + $0] } }
            var (sum, magnitude) = (0.0, 0.0)
            var products = [Float](repeating: 0, count: depth)
            for l in 0..<depth {
                let product = Double(a[l]) * Double(b[l])
                sum += product
                magnitude += product.magnitude
                energy += product * product * scale * scale
                products[l] = a[l] * b[l]
            }
            guard magnitude < ReferenceConvolution.overflow else { return nil }
            let error = scale * (Double(y.withElements(as: Float.self) { $0[convolution.cell(row, output: output)] }) - sum)
            finding.errorSquared += error * error
            if !(error.magnitude <= finding.worst.error) { finding.worst = (output, error.magnitude) }
            signal += scale * scale * sum * sum
            underflow += (0x1p-150 * scale) * (0x1p-150 * scale)
            let orders = SumOrder.allCases.map { scale * (Double($0.sum(products)) - sum) }
            for (index, order) in orders.enumerated() { finding.orderSquared[index] += order * order }
            for (index, lower) in LowerPrecision.allCases.enumerated() {
                var difference = 0.0
                for l in 0..<depth { difference += Double(lowered[index][l]) * Double(lower.second(b[l])) - Double(a[l]) * Double(b[l]) }
                difference *= scale
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

/// The six orders of binary32 sums that honest work is measured by: products rounded, then added.
enum SumOrder: CaseIterable {
    case ascending, descending, two, eight, thirtyTwo, sixtyFour

    func sum(_ products: [Float]) -> Float {
        switch self {
        case .ascending: products.reduce(0, +)
        case .descending: products.reversed().reduce(0, +)
        case .two: interleaved(products, 2)
        case .eight: interleaved(products, 8)
        case .thirtyTwo: interleaved(products, 32)
        case .sixtyFour: interleaved(products, 64)
        }
    }

    private func interleaved(_ products: [Float], _ count: Int) -> Float {
        var sums = [Float](repeating: 0, count: count)
        for l in products.indices { sums[l % count] += products[l] }
        return sums.reduce(0, +)
    }
}

/// Lower precisions whose trace is looked for, and which operands they round.
enum LowerPrecision: String, CaseIterable {
    case tf32 = "tf32"
    case tf32First = "tf32-a"
    case tf32Second = "tf32-b"
    case bf16 = "bf16"

    func first(_ value: Float) -> Float {
        switch self {
        case .tf32, .tf32First: Self.rounded(value, dropping: 13)
        case .tf32Second: value
        case .bf16: Self.rounded(value, dropping: 16)
        }
    }

    func second(_ value: Float) -> Float {
        switch self {
        case .tf32, .tf32Second: Self.rounded(value, dropping: 13)
        case .tf32First: value
        case .bf16: Self.rounded(value, dropping: 16)
        }
    }

    /// A finite value to the nearest with fewer significand bits, ties to even.
    static func rounded(_ value: Float, dropping bits: UInt32) -> Float {
        let word = value.bitPattern
        let half: UInt32 = (1 << (bits - 1)) - 1 + ((word >> bits) & 1)
        return Float(bitPattern: (word &+ half) & ~((1 << bits) - 1))
    }
}
