package import Wire

// Rows summed again, for the second look at a product of floats.
extension PlainPasses {
    package func recomputeSums(a: MatrixView, b: MatrixView, rows: [Int], again: Bool) throws(Problem) -> RowSums {
        let filters = again ? Filter.family(a.dtype) : []
        let orders: [Order] = again && a.dtype != .f64 ? Order.all(a.dtype) : []
        var sums = RowSums(exact: [], filtered: filters.map { _ in [] }, orders: orders.map { _ in [] })
        // Each precision of the present product's operands, read once.
        var (product, matrices): (Int, [Precision?: (FloatMatrix, FloatMatrix)]) = (-1, [:])
        for row in rows {
            if row / a.rows != product {
                product = row / a.rows
                for precision in [nil] + (again ? Precision.below(a.dtype) : []) {
                    matrices[precision] = (try FloatMatrix(a.matrix(product), precision), try FloatMatrix(b.matrix(product), precision))
                }
            }
            guard let (left, right) = matrices[nil] else { continue }
            let (one, shape) = (row % a.rows, (depth: a.columns, columns: b.columns))
            sums.exact += Self.exact(left, right, one, shape)
            for (index, filter) in filters.enumerated() {
                sums.filtered[index] += Self.exact(matrices[filter.a]?.0 ?? left, matrices[filter.b]?.1 ?? right, one, shape)
            }
            for (index, order) in orders.enumerated() { sums.orders[index] += Self.ordered(left, right, one, shape, order) }
        }
        return sums
    }

    /// One row in binary64.
    private static func exact(_ left: FloatMatrix, _ right: FloatMatrix, _ row: Int, _ shape: (depth: Int, columns: Int)) -> [Double] {
        (0..<shape.columns).map { column in
            var sum = 0.0
            for term in 0..<shape.depth { sum += left[row, term] * right[term, column] }
            return sum
        }
    }

    private enum Order {
        case interleaved(Int), descending, truncated

        static func all(_ dtype: DType) -> [Order] {
            [.interleaved(1), .descending, .interleaved(2), .interleaved(8), .interleaved(32), .interleaved(64)] + (dtype == .bf16 ? [.truncated] : [])
        }
    }

    private static func ordered(
        _ left: FloatMatrix, _ right: FloatMatrix, _ row: Int, _ shape: (depth: Int, columns: Int), _ order: Order
    ) -> [Double] {
        let depth = shape.depth
        return (0..<shape.columns).map { column in
            func chain(_ terms: some Sequence<Int>) -> Float {
                var sum: Float = 0
                for term in terms { sum.addProduct(Float(left[row, term]), Float(right[term, column])) }
                return sum
            }
            switch order {
            case .interleaved(let count):
                var sums = (0..<count).map { chain(stride(from: $0, to: depth, by: count)) }
                var half = count / 2
                while half >= 1 {
                    for place in 0..<half { sums[place] += sums[place + half] }
                    half /= 2
                }
                return Double(sums[0])
            case .descending: return Double(chain((0..<depth).reversed()))
            case .truncated:
                var sum = 0.0
                for start in stride(from: 0, to: depth, by: 8) {
                    for term in start..<min(start + 8, depth) { sum += left[row, term] * right[term, column] }
                    sum = Double(bitPattern: sum.bitPattern & ~0x1fff_ffff)
                }
                return sum
            }
        }
    }
}
