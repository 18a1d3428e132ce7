import Wire

/// Attention by its definition in binary64, with the true maximum: what every device's work is compared with.
///
/// It also says how far honest F32 may be. With u = 2^−24, p_j the weights (their sum 1), t_j = scale·⟨q, k_j⟩, M their largest, n the
/// keys seen, and norms over the weighted columns of V, a row's variance is
///
///     T² = u²/3·( Σ p_j²·e_j·(‖v_j‖² + ‖o‖²) + (n/6)·Σ p_j²·‖v_j‖² + (2n/3 + 4)·‖o‖² ) + N,
///     e_j = (d/3 + 4)·t_j² + (1/6)·scale²·‖q‖²·‖k_j‖² + 2M² + 12,   and 2^30 more for BF16.
///
/// e_j is the variance of ln p_j, in units of u²/3: a dot product of d terms in any order has (d/3)·t² for its drift and
/// (d/6)·Σ(q_c·k_c)² for its random part (docs/VERIFICATION.md, "Probes"), the last sum taken for evenly spread energy; the product
/// with the scale, the difference from the maximum and a rescaling of earlier sums round numbers no larger than |t| + |M|; an
/// exponential has up to two units in the last place. From BF16 the weights may be rounded to BF16 before they meet V, as matrix
/// units do: 2^−9 in place of 2^−24. An error of ln p_j moves o by p_j·(v_j − o). The other two terms are the sum over keys, drift
/// and random part, twice its drift because the sum of the weights has one too, and the division. N is underflow: (n·2^−126)²·(Σ weights² + max ‖v_j‖²).
struct AttentionSource {
    private let attention: Attention
    private let q: Tensor
    private let k: Tensor
    private let v: Tensor
    private let weights: [Double]
    private let keptBits: Int

    /// - Parameter weights: of V's columns, d for each head; nil for 1.
    init(_ attention: Attention, q: Tensor, k: Tensor, v: Tensor, weights: [Double]? = nil, keptBits: Int = 23) {
        (self.attention, self.q, self.k, self.v) = (attention, q, k, v)
        self.weights = weights ?? Array(repeating: 1, count: attention.headCount * attention.dimension)
        self.keptBits = keptBits
    }

    /// Rows in any order; heads are read once for each run of rows of the same head.
    func rows(_ rows: [Int]) -> AttentionRows {
        var result = AttentionRows(outputs: [], variances: [])
        var (current, keys, values) = (-1, [Double](), [Double]())
        let d = attention.dimension
        for row in rows {
            let head = row / attention.queries
            if head != current {
                let range = head * attention.keys * d..<(head + 1) * attention.keys * d
                (current, keys, values) = (head, numbers(k, range), numbers(v, range))
                for index in values.indices { values[index] *= weights[head * d + index % d] }
            }
            let (output, variance) = self.row(numbers(q, row * d..<(row + 1) * d), keys, values, seen: attention.seen(row: row), head: head)
            result.outputs.append(contentsOf: output)
            result.variances.append(variance)
        }
        return result
    }

    private func row(_ query: [Double], _ keys: [Double], _ values: [Double], seen: Int, head: Int) -> (output: [Double], variance: Double) {
        let (d, scale) = (attention.dimension, attention.scale)
        func norm(_ numbers: [Double], _ row: Int) -> Double { numbers[row * d..<(row + 1) * d].reduce(0) { $0 + $1 * $1 } }
        var scores: [Double] = []
        for j in 0..<seen {
            var sum = 0.0
            for c in 0..<d { sum += query[c] * keys[j * d + c] }
            scores.append(scale * sum)
        }
        let largest = scores.max() ?? 0
        let queryNorm = norm(query, 0)
        let own = attention.arithmetic == .bf16F32 ? 0x1p30 + 12 : 12.0
        var output = [Double](repeating: 0, count: d)
        var (total, energy, squares, weightedEnergy, weightedSquares, longest) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        for j in 0..<seen {
            let p = Elementary.exponential(scores[j] - largest)
            for c in 0..<d { output[c] += p * values[j * d + c] }
            let (valueNorm, keyNorm) = (norm(values, j), norm(keys, j))
            let error = (Double(d) / 3 + 4) * scores[j] * scores[j] + scale * scale / 6 * queryNorm * keyNorm + own
            total += p
            energy += p * p * valueNorm
            squares += p * p
            if p > 0 {
                weightedEnergy += p * p * error * valueNorm
                weightedSquares += p * p * error
            }
            longest = max(longest, valueNorm)
        }
        for c in 0..<d { output[c] /= total }
        let (n, outputNorm, maximum) = (Double(seen), norm(output, 0), 2 * largest * largest)
        let scatter = (weightedEnergy + weightedSquares * outputNorm + maximum * (energy + squares * outputNorm) + n / 6 * energy) / (total * total)
        let underflow = n * 0x1p-126
        let weightNorm = weights[head * d..<(head + 1) * d].reduce(0) { $0 + $1 * $1 }
        return (output, 0x1p-48 / 3 * (scatter + (2 * n / 3 + 4) * outputNorm) + underflow * underflow * (weightNorm + longest))
    }

    /// Elements as binary64, rounded to the kept bits first.
    private func numbers(_ tensor: Tensor, _ range: Range<Int>) -> [Double] {
        func number(_ bits: UInt32) -> Double { Double(Float(bitPattern: Self.rounded(bits, keptBits: keptBits))) }
        return tensor.dtype == .bf16
            ? tensor.withElements(as: UInt16.self) { elements in range.map { number(UInt32(elements[$0]) << 16) } }
            : tensor.withElements(as: UInt32.self) { elements in range.map { number(elements[$0]) } }
    }

    /// A binary32 number's bits with `keptBits` stored bits of its significand, to nearest even; 23 or more are all of them.
    static func rounded(_ bits: UInt32, keptBits: Int) -> UInt32 {
        guard keptBits < 23 else { return bits }
        let drop = UInt32(23 - keptBits)
        return (bits &+ (1 << (drop - 1)) &- 1 &+ ((bits >> drop) & 1)) & ~((1 << drop) - 1)
    }
}

extension Elementary {
    /// e^x for x ≤ 0, to a few units in the last place; 0 below −708, where binary64's normal range ends.
    ///
    /// x = n·ln 2 + r with |r| ≤ ½·ln 2, ln 2 in two parts of which the first times n is exact; Taylor series cut where the next term is < 2^−57.
    static func exponential(_ x: Double) -> Double {
        guard x > -708 else { return x.isNaN ? x : 0 }
        let n = (x * 1.442_695_040_888_963_4).rounded(.toNearestOrEven)
        let r = x - n * 0x1.62e42fefa38p-1 - n * 0x1.ef35793c7673p-45
        var sum = 1.0 / 6_227_020_800
        for divisor in expSeries { sum = sum * r + divisor }
        return Double(sign: .plus, exponent: Int(n), significand: sum)
    }

    /// 1/i!, i = 12 … 0.
    private static let expSeries: [Double] = [
        1.0 / 479_001_600, 1.0 / 39_916_800, 1.0 / 3_628_800, 1.0 / 362_880, 1.0 / 40_320, 1.0 / 5_040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1, 1,
    ]
}
