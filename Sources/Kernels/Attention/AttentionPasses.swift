package import Wire

/// What `VerifierPasses.attentionRows` says.
package struct AttentionRows: Sendable, Equatable {
    /// d numbers for each row, times the weights.
    package var outputs: [Double]
    /// T² of each row: the variance that honest arithmetic may have, summed over the weighted columns.
    package var variances: [Double]

    package init(outputs: [Double], variances: [Double]) { (self.outputs, self.variances) = (outputs, variances) }
}

/// What `VerifierPasses.columnRanges` says: group by group, a number for each column.
package struct ColumnRanges: Sendable, Equatable {
    package var least: [Float]
    package var largest: [Float]

    package init(least: [Float], largest: [Float]) { (self.least, self.largest) = (least, largest) }
}

/// What `VerifierPasses.rowExtent` says of a tensor.
package struct RowExtent: Sendable, Equatable {
    package var norm: Double
    package var maximum: Double

    package init(norm: Double, maximum: Double) { (self.norm, self.maximum) = (norm, maximum) }
}

/// The definitions in plain Swift, for passes that have nothing faster.
extension VerifierPasses {
    package func attentionRows(
        _ attention: Attention, q: Tensor, k: Tensor, v: Tensor, rows: [Int], weights: [Double], keptBits: Int
    ) throws(Problem) -> AttentionRows {
        try attention.check(q: q, k: k, v: v)
        return AttentionSource(attention, q: q, k: k, v: v, weights: weights, keptBits: keptBits).rows(rows)
    }

    package func columnRanges(_ tensor: Tensor, groups: Int, columns: Int) throws(Problem) -> ColumnRanges {
        var ranges = ColumnRanges(
            least: Array(repeating: .infinity, count: groups * columns), largest: Array(repeating: -.infinity, count: groups * columns))
        let perGroup = groups > 0 ? tensor.descriptor.elementCount / groups : 0
        try tensor.forEachFloat { index, value in
            let place = index / perGroup * columns + index % columns
            ranges.least[place] = value.isNaN ? -.infinity : min(ranges.least[place], value)
            ranges.largest[place] = value.isNaN ? .infinity : max(ranges.largest[place], value)
        }
        return ranges
    }

    package func rowExtent(_ tensor: Tensor) throws(Problem) -> RowExtent {
        var (extent, sum) = (RowExtent(norm: 0, maximum: 0), 0.0)
        let width = max(tensor.shape.last ?? 1, 1)
        try tensor.forEachFloat { index, value in
            if index % width == 0 { sum = 0 }
            let value = value.isFinite ? Double(value).magnitude : .infinity
            sum += value * value
            extent.maximum = max(extent.maximum, value)
            extent.norm = max(extent.norm, sum)
        }
        extent.norm = extent.norm.squareRoot()
        return extent
    }
}

extension Tensor {
    /// Every element of an F32 or BF16 tensor, in row-major order.
    func forEachFloat(_ body: (Int, Float) -> Void) throws(Problem) {
        switch dtype {
        case .f32: withElements(as: Float.self) { for index in $0.indices { body(index, $0[index]) } }
        case .bf16: withElements(as: UInt16.self) { for index in $0.indices { body(index, Float(bitPattern: UInt32($0[index]) << 16)) } }
        default: throw Problem(.unsupportedDtype, "no float pass over \(dtype.rawValue)")
        }
    }
}
