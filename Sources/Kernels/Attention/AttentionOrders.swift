import Wire

/// One row of attention in F32, in several honest ways: what rounding does to these very numbers.
///
/// For the second look alone: a few rows, in plain Swift. Products and sums are rounded apart, which is no better than any device does.
enum AttentionOrders: CaseIterable {
    case ascending
    case descending
    /// Dot products and sums over keys in 8 interleaved partial sums.
    case interleaved
    /// An online softmax over blocks of 64 keys, earlier sums rescaled whenever the maximum rises.
    case online
    /// Weights rounded to BF16 before they meet V: for BF16 alone.
    case narrowWeights

    static func all(for arithmetic: Arithmetic) -> [AttentionOrders] { allCases.filter { $0 != .narrowWeights || arithmetic == .bf16F32 } }

    /// The row's d outputs. `keys` and `values` are seen × d.
    func row(query: [Float], keys: [Float], values: [Float], scale: Float) -> [Float] {
        let d = query.count
        let seen = keys.count / d
        var scores: [Float] = []
        for j in 0..<seen { scores.append(scale * dot(query, keys, at: j * d)) }
        return self == .online ? online(scores, values, d) : whole(scores, values, d)
    }

    private func dot(_ query: [Float], _ keys: [Float], at start: Int) -> Float {
        let width = self == .interleaved ? 8 : 1
        var sums = [Float](repeating: 0, count: width)
        for step in query.indices {
            let c = self == .descending ? query.count - 1 - step : step
            sums[c % width] += query[c] * keys[start + c]
        }
        return sums.reduce(0, +)
    }

    private static func weight(_ x: Float) -> Float { Float(Elementary.exponential(Double(x))) }

    private func whole(_ scores: [Float], _ values: [Float], _ d: Int) -> [Float] {
        let largest = scores.max() ?? 0
        let width = self == .interleaved ? 8 : 1
        var totals = [Float](repeating: 0, count: width)
        var sums = [Float](repeating: 0, count: width * d)
        for step in scores.indices {
            let j = self == .descending ? scores.count - 1 - step : step
            var p = Self.weight(scores[j] - largest)
            totals[j % width] += p
            if self == .narrowWeights { p = Float(bitPattern: AttentionSource.rounded(p.bitPattern, keptBits: 7)) }
            for c in 0..<d { sums[j % width * d + c] += p * values[j * d + c] }
        }
        let total = totals.reduce(0, +)
        return (0..<d).map { c in
            var sum: Float = 0
            for part in 0..<width { sum += sums[part * d + c] }
            return sum / total
        }
    }

    private func online(_ scores: [Float], _ values: [Float], _ d: Int) -> [Float] {
        var (largest, total) = (-Float.infinity, Float(0))
        var sums = [Float](repeating: 0, count: d)
        for start in stride(from: 0, to: scores.count, by: 64) {
            let block = start..<min(start + 64, scores.count)
            let next = block.reduce(largest) { max($0, scores[$1]) }
            let factor = largest == -.infinity ? 0 : Self.weight(largest - next)
            largest = next
            total *= factor
            for c in 0..<d { sums[c] *= factor }
            for j in block {
                let p = Self.weight(scores[j] - largest)
                total += p
                for c in 0..<d { sums[c] += p * values[j * d + c] }
            }
        }
        return sums.map { $0 / total }
    }
}
