/// The secret probe of PROTOCOL section 9, "Probes for floats", and the bound that honest rounding stays within.
///
/// X is n × 8 with x_jp = g_jp·2^(−e_j)/√8, g standard normal, e_j the exponent of ‖b_j‖; for n ≤ 8, X = diag(2^(−e_j)).
struct FloatProbe {
    let columns: ColumnProbe
    private let dtype: DType
    private let k: Int
    /// Underflow: (Σ_j 2^(2(t − e_j − d))) and d = max_j (t − e_j), for t = log2 of half the smallest subnormal. Apart, because
    /// in F64 their product need not fit.
    private let underflowSum: Double
    private let underflowExponent: Int

    /// Exponents are kept where neither 2^(−e) nor 8·2^(−e) leaves binary64's normal range.
    private static let exponents = -1020...1020

    /// - Parameters:
    ///   - norms: of the n columns of B. Columns that are zero or not finite, and those in `excluded`, get weight 0.
    ///   - k: length of the sums.
    init(norms: ColumnNorms, dtype: DType, k: Int, excluded: Set<Int>, stream: inout ChallengeStream) {
        let n = norms.maxima.count
        let width = ColumnProbe.width
        let smallest = dtype == .f64 ? -1075 : -150
        var weights = [Double](repeating: 0, count: n)
        var x = [Double](repeating: 0, count: n * width)
        var floors: [Int] = []
        let share = 1 / Double(width).squareRoot()
        for j in 0..<n {
            // Drawn for every column, so that a column's numbers don't depend on the others' data.
            let normals = n > width ? stream.normals() : .zero
            let maximum = norms.maxima[j]
            var weight = 0.0
            if maximum > 0, maximum < .infinity, !excluded.contains(j) {
                let exponent = Self.exponent(sumOfSquares: norms.sumsOfSquares[j], maximum: maximum)
                weight = RowScale.factor(exponent)
                floors.append(smallest - exponent)
            }
            weights[j] = weight
            if n > width {
                for p in 0..<width { x[j * width + p] = normals[p] * (weight * share) }
            } else {
                x[j * width + j] = weight
            }
        }
        columns = ColumnProbe(x: x, weights: weights)
        let top = floors.max() ?? 0
        underflowExponent = top
        underflowSum = floors.reduce(0) { $0 + RowScale.factor(min(2 * (top - $1), 1022)) }
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
    func ratio(_ row: RowResidual, running: Double = 0) -> Double {
        let u = dtype == .f64 ? 0x1p-53 : 0x1p-24
        let drift = Double(k) / 3 * row.signal + Double(k) / 6 * row.energy
        // The exponent is capped so that T stays finite: a gross error then still shows.
        let floor = underflowExponent - RowScale.exponent(of: row.maximum, dtype)
        let underflow = Double(k) * underflowSum * RowScale.factor(-2 * max(min(floor, 200), -511))
        let bound = (u * u / 3 * (max(drift, running) + row.signal) + underflow).squareRoot()
        let residual = row.residual.squareRoot()
        return residual == 0 && bound == 0 ? 0 : residual / bound
    }

    /// The ratio above which a row is recomputed: 6 for F32; 1024 for F64, where the probe's own rounding counts (k = 1: up to 9).
    var limit: Double { dtype == .f64 ? 1024 : 6 }

    /// Whether a row with this largest |a| can overflow against columns whose largest |b| is `maximum`: k·|a|·|b| bounds every partial sum.
    func mayOverflow(_ row: RowResidual, _ maximum: Double) -> Bool {
        !(Double(k) * row.maximum * maximum < (dtype == .f64 ? 0x1p1023 : 0x1p127))
    }
}
