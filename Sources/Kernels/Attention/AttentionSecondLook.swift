import Wire

/// Decides about an output that is not clear: the 16 worst of the sampled rows and 16 others, beside honest F32 of the same numbers.
///
/// Refused iff (a) a row is further from the definition than 4 times the worst of several honest ways of computing it, and 2·T_i more,
/// or (b) over these rows more than half of what TF32 would change is in the output, and less than an eighth in each honest way.
/// Everything here is plain Swift: it is the definition that refuses.
struct AttentionSecondLook {
    static let worst = 16
    static let random = 16

    private let verifier: AttentionVerifier
    private let comparison: AttentionComparison
    private let weights: [Double]
    private var attention: Attention { verifier.attention }

    init(_ verifier: AttentionVerifier, comparison: AttentionComparison, weights: [Double]) {
        (self.verifier, self.comparison, self.weights) = (verifier, comparison, weights)
    }

    func refusal(_ stream: inout ChallengeStream, filtered: Bool) throws(Problem) -> VerificationReport.Refusal? {
        let ratios = comparison.ratios.map { $0.isNaN ? .infinity : $0 }
        var places = Array(ratios.indices.sorted { (ratios[$0], $1) > (ratios[$1], $0) }.prefix(Self.worst))
        let others = Set(ratios.indices).subtracting(places).sorted()
        places += stream.distinct(Self.random, below: others.count).map { others[$0] }
        places.sort()
        let rows = places.map { comparison.rows[$0] }
        let source = AttentionSource(attention, q: verifier.q, k: verifier.k, v: verifier.v, weights: weights)
        let found = source.rows(rows)
        let exact = AttentionComparison(attention, o: verifier.o, rows: rows, weights: weights, found: found)
        let exactRatios = exact.ratios
        for (index, place) in places.enumerated() where ratios[place] > 1 && exactRatios[index] < ratios[place] / 2 {
            throw Problem(.internalError, "a verifier pass disagrees with the definition in row \(rows[index])")
        }
        let orders = AttentionOrders.all(for: attention.arithmetic).map { order in rows.map { weighted(order, row: $0) } }
        let d = attention.dimension
        for index in rows.indices {
            let definition = Array(found.outputs[index * d..<(index + 1) * d])
            let largest = orders.map { Self.distance($0[index], definition) }.reduce(0) { $0.isNaN ? $1 : max($0, $1) }
            let differences = exact.differences[index * d..<(index + 1) * d]
            let distance = differences.reduce(0) { $0 + $1 * $1 }.squareRoot()
            // Written so that NaN is refused.
            if distance <= 4 * largest + 2 * found.variances[index].squareRoot() { continue }
            return refusal(exact, index, definition)
        }
        guard filtered, attention.arithmetic == .f32 else { return nil }
        let narrow = AttentionSource(attention, q: verifier.q, k: verifier.k, v: verifier.v, weights: weights, keptBits: 10).rows(rows).outputs
        guard exact.share(of: narrow, rows.indices).share > 0.5 else { return nil }
        for order in orders {
            let values = zip(order.joined(), found.outputs).map { $0 - $1 }
            // Rounding itself is systematic here: nothing can be told.
            if AttentionComparison(exact, differences: values).share(of: narrow, rows.indices).share.magnitude >= 0.125 { return nil }
        }
        let worst = exactRatios.indices.max { exactRatios[$0] < exactRatios[$1] } ?? 0
        return refusal(exact, worst, Array(found.outputs[worst * d..<(worst + 1) * d]))
    }

    /// The column of the largest difference names the refusal.
    private func refusal(_ exact: AttentionComparison, _ index: Int, _ definition: [Double]) -> VerificationReport.Refusal {
        let (d, row) = (attention.dimension, exact.rows[index])
        let sizes = exact.differences[index * d..<(index + 1) * d].map { $0.isNaN ? .infinity : $0.magnitude }
        let column = sizes.indices.max { sizes[$0] < sizes[$1] } ?? 0
        let weight = weights[row / attention.queries * d + column]
        return verifier.refusal(row: row, column: column, expected: weight == 0 ? 0 : definition[column] / weight)
    }

    private static func distance(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot() }

    /// An honest way's row, times the weights.
    private func weighted(_ order: AttentionOrders, row: Int) -> [Double] {
        let (d, head) = (attention.dimension, row / attention.queries)
        let first = head * attention.keys * d
        let keys = first..<first + attention.seen(row: row) * d
        let output = order.row(
            query: verifier.q.floats(row * d..<(row + 1) * d), keys: verifier.k.floats(keys), values: verifier.v.floats(keys), scale: Float(attention.scale))
        return output.enumerated().map { weights[head * d + $0] * Double($1) }
    }
}

extension AttentionComparison {
    /// Other differences from the same rows.
    init(_ other: AttentionComparison, differences: [Double]) {
        self.init(rows: other.rows, differences: differences, found: other.found, dimension: other.dimension)
    }
}

extension Tensor {
    /// Elements of an F32 or BF16 tensor.
    fileprivate func floats(_ range: Range<Int>) -> [Float] {
        dtype == .bf16
            ? withElements(as: UInt16.self) { elements in range.map { Float(bitPattern: UInt32(elements[$0]) << 16) } }
            : withElements(as: Float.self) { elements in range.map { elements[$0] } }
    }
}
