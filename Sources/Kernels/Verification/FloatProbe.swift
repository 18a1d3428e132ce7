/// The secret probe of PROTOCOL section 9, "Probes for floats", and the bound that honest rounding stays within.
///
/// X is n × 8 with x_jp = g_jp·2^(−e_j)/√8, g standard normal, e_j the exponent of ‖b_j‖; for n ≤ 8, X = diag(2^(−e_j)).
/// The products of a batch share g: what is said of a row holds for each row by itself.
struct FloatProbe {
    let columns: ColumnProbe
    private let dtype: DType
    private let k: Int
    /// Underflow, of each product: (Σ_j 2^(2(t − e_j − d))) and d = max_j (t − e_j), for t = log2 of half the smallest subnormal. Apart,
    /// because in F64 their product need not fit.
    private let underflows: [(sum: Double, exponent: Int)]

    /// Exponents are kept where neither 2^(−e) nor 8·2^(−e) leaves binary64's normal range.
    private static let exponents = -1020...1020

    /// - Parameters:
    ///   - norms: of the n columns of each B. Columns that are zero or not finite, and those in `excluded`, get weight 0.
    ///   - k: length of the sums. dtype: of the products: F64, or F32 (BF16's too).
    ///   - products: how many there are.
    init(norms: ColumnNorms, dtype: DType, k: Int, products: Int = 1, excluded: Set<Int>, stream: inout ChallengeStream) {
        let n = products > 0 ? norms.maxima.count / products : 0
        let width = ColumnProbe.width
        let smallest = dtype == .f64 ? -1075 : -150
        var weights = [Double](repeating: 0, count: norms.maxima.count)
        var x = [Double](repeating: 0, count: norms.maxima.count * width)
        let share = 1 / Double(width).squareRoot()
        // Drawn for every column, so that a column's numbers don't depend on the others' data.
        let normals = (0..<n).map { _ in n > width ? stream.normals() * share : .zero }
        var underflows: [(sum: Double, exponent: Int)] = []
        var floors: [Int] = []
        for product in 0..<products {
            floors.removeAll(keepingCapacity: true)
            for column in 0..<n {
                let j = product * n + column
                let maximum = norms.maxima[j]
                var weight = 0.0
                if maximum > 0, maximum < .infinity, excluded.isEmpty || !excluded.contains(j) {
                    let exponent = Self.exponent(sumOfSquares: norms.sumsOfSquares[j], maximum: maximum)
                    weight = RowScale.factor(exponent)
                    floors.append(smallest - exponent)
                }
                weights[j] = weight
                if n > width {
                    let scaled = normals[column] * weight
                    for p in 0..<width { x[j &* width &+ p] = scaled[p] }
                } else {
                    x[j * width + column] = weight
                }
            }
            let top = floors.max() ?? 0
            underflows.append((floors.reduce(0) { $0 + RowScale.factor(min(2 * (top - $1), 1022)) }, top))
        }
        columns = ColumnProbe(x: x, weights: weights)
        self.underflows = underflows
        (self.dtype, self.k) = (dtype, k)
    }

    /// The exponent of ‖b_j‖; of its largest entry where the sum of squares left binary64's range.
    private static func exponent(sumOfSquares: Double, maximum: Double) -> Int {
        let inRange = sumOfSquares < .infinity && sumOfSquares >= 0x1p-900
        let exponent = Int((inRange ? sumOfSquares.squareRoot() : maximum).exponent)
        return min(max(exponent, exponents.lowerBound), exponents.upperBound)
    }

    /// R_i / T_i. NaN or +∞ where that can't be said; 0 where both are 0.
    ///
    /// Without `running` (Q_i), which takes a chain of sums, and without the row's energy (V_i), T is at most what it is with them: a row
    /// within the limit stays there.
    ///
    /// T² = (u²/3)·(max(Q, (k/3)·S² + (k/6)·V) + S²) + N: S² is the sum's final rounding and Q or its expectation over random
    /// orders that of the partial sums; N the rounding of subnormal products. Source: PROTOCOL section 9, "Probes for floats".
    func ratio(_ row: RowResidual, running: Double = 0, product: Int = 0) -> Double {
        let bound = bound(signal: row.signal, energy: row.energy, running: running, maximum: row.maximum, product: product)
        let residual = row.residual.squareRoot()
        return residual == 0 && bound == 0 ? 0 : residual / bound
    }

    /// T_i, from S_i², V_i and Q_i.
    func bound(signal: Double, energy: Double, running: Double = 0, maximum: Double, product: Int) -> Double {
        let u = dtype == .f64 ? 0x1p-53 : 0x1p-24
        let drift = Double(k) / 3 * signal + Double(k) / 6 * energy
        // The exponent is capped so that T stays finite: a gross error then still shows.
        let floor = underflows[product].exponent - RowScale.exponent(of: maximum, dtype)
        let underflow = Double(k) * underflows[product].sum * RowScale.factor(-2 * max(min(floor, 200), -511))
        return (u * u / 3 * (max(drift, running) + signal) + underflow).squareRoot()
    }

    /// The ratio above which a row is recomputed: 6 for F32; 1024 for F64, where the probe's own rounding counts (k = 1: up to 9).
    var limit: Double { dtype == .f64 ? 1024 : 6 }

    /// Whether a row with this largest |a| can overflow against columns whose largest |b| is `maximum`: k·|a|·|b| bounds every partial sum.
    func mayOverflow(_ row: RowResidual, _ maximum: Double) -> Bool {
        !(Double(k) * row.maximum * maximum < (dtype == .f64 ? 0x1p1023 : 0x1p127))
    }
}
