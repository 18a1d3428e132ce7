/// The sampled rows beside the output's.
struct AttentionComparison {
    let rows: [Int]
    /// Output minus definition, d weighted numbers for each row.
    let differences: [Double]
    let found: AttentionRows
    let dimension: Int

    init(_ attention: Attention, o: Tensor, rows: [Int], weights: [Double], found: AttentionRows) {
        let d = attention.dimension
        (self.rows, self.found, dimension) = (rows, found, d)
        differences = o.withElements(as: Float.self) { elements in
            rows.indices.flatMap { index in
                let (row, head) = (rows[index], rows[index] / attention.queries)
                return (0..<d).map { c in
                    // A column of zeros has weight 0, and its outputs were held to 0 already.
                    let weight = weights[head * d + c]
                    return weight == 0 ? 0 : Double(elements[row * d + c]) * weight - found.outputs[index * d + c]
                }
            }
        }
    }

    init(rows: [Int], differences: [Double], found: AttentionRows, dimension: Int) {
        (self.rows, self.differences, self.found, self.dimension) = (rows, differences, found, dimension)
    }

    /// R_i/T_i; 0 where both are 0.
    var ratios: [Double] {
        rows.indices.map { index in
            let square = differences[index * dimension..<(index + 1) * dimension].reduce(0) { $0 + $1 * $1 }
            return square == 0 ? 0 : (square / found.variances[index]).squareRoot()
        }
    }

    /// β of the rows in `range`: how much of D = narrow − definition is in the differences, each row in units of its T, and β's standard error.
    func share(of narrow: [Double], _ range: Range<Int>) -> (share: Double, error: Double) {
        var (product, square) = (0.0, 0.0)
        for (place, index) in range.enumerated() where found.variances[index] > 0 {
            for c in 0..<dimension {
                let push = narrow[place * dimension + c] - found.outputs[index * dimension + c]
                product += differences[index * dimension + c] * push / found.variances[index]
                square += push * push / found.variances[index]
            }
        }
        // A row's variance is spread over its d columns.
        return square > 0 ? (product / square, (1 / (square * Double(dimension))).squareRoot()) : (0, .infinity)
    }
}
