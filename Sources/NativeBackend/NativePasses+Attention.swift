import CKernels
package import Kernels
package import Wire

// The passes of attention's check, with the CPU's vector units; AttentionPasses.swift and AttentionSource.swift define them.
extension NativePasses {
    package func attentionRows(
        _ attention: Attention, q: Tensor, k: Tensor, v: Tensor, rows: [Int], weights: [Double], keptBits: Int
    ) throws(Problem) -> AttentionRows {
        try attention.check(q: q, k: k, v: v)
        guard weights.count == attention.headCount * attention.dimension else { throw Problem(.internalError, "the passes' weights don't fit") }
        let places = rows.map { Int64($0) }
        var result = AttentionRows(
            outputs: Array(repeating: 0, count: rows.count * attention.dimension), variances: Array(repeating: 0, count: rows.count))
        guard !rows.isEmpty else { return result }
        var (shape, run) = unsafe (attention.shape, call.quiet)
        let (count, bits) = (Int64(places.count), Int32(clamping: keptBits))
        let status = try unsafe attention.withOperands(q, k, v) { q, k, v throws(Problem) in
            attention.inputDType == .bf16
                ? unsafe adit_attention_rows_bf16(
                    &run, &shape, q.assumingMemoryBound(to: UInt16.self), k.assumingMemoryBound(to: UInt16.self), v.assumingMemoryBound(to: UInt16.self),
                    places, count, weights, bits, &result.outputs, &result.variances)
                : unsafe adit_attention_rows_f32(
                    &run, &shape, q.assumingMemoryBound(to: Float.self), k.assumingMemoryBound(to: Float.self), v.assumingMemoryBound(to: Float.self),
                    places, count, weights, bits, &result.outputs, &result.variances)
        }
        try KernelCall.check(status)
        return result
    }

    package func columnRanges(_ tensor: Tensor, groups: Int, columns: Int) throws(Problem) -> ColumnRanges {
        try tensor.checkNarrowFloat()
        var ranges = ColumnRanges(
            least: Array(repeating: .infinity, count: groups * columns), largest: Array(repeating: -.infinity, count: groups * columns))
        guard groups > 0, columns > 0 else { return ranges }
        let rows = Int64(tensor.descriptor.elementCount / (groups * columns))
        var run = unsafe call.quiet
        let status = unsafe tensor.buffer.withUnsafeBytes { data in
            guard let data = data.baseAddress else { return Int32(ADIT_OK) }
            return tensor.dtype == .bf16
                ? unsafe adit_column_ranges_bf16(
                    &run, data.assumingMemoryBound(to: UInt16.self), Int64(groups), rows, Int64(columns), &ranges.least, &ranges.largest)
                : unsafe adit_column_ranges_f32(
                    &run, data.assumingMemoryBound(to: Float.self), Int64(groups), rows, Int64(columns), &ranges.least, &ranges.largest)
        }
        try KernelCall.check(status)
        return ranges
    }

    package func rowExtent(_ tensor: Tensor) throws(Problem) -> RowExtent {
        try tensor.checkNarrowFloat()
        let columns = max(tensor.shape.last ?? 1, 1)
        let rows = Int64(tensor.descriptor.elementCount / columns)
        var (squares, maximum) = (0.0, 0.0)
        var run = unsafe call.quiet
        let status = unsafe tensor.buffer.withUnsafeBytes { data in
            guard let data = data.baseAddress else { return Int32(ADIT_OK) }
            return tensor.dtype == .bf16
                ? unsafe adit_row_extent_bf16(&run, data.assumingMemoryBound(to: UInt16.self), rows, Int64(columns), &squares, &maximum)
                : unsafe adit_row_extent_f32(&run, data.assumingMemoryBound(to: Float.self), rows, Int64(columns), &squares, &maximum)
        }
        try KernelCall.check(status)
        return RowExtent(norm: squares.squareRoot(), maximum: maximum)
    }
}

extension Tensor {
    fileprivate func checkNarrowFloat() throws(Problem) {
        guard dtype == .f32 || dtype == .bf16 else { throw Problem(.unsupportedDtype, "no such pass over \(dtype.rawValue)") }
    }
}
