import CKernels
package import Kernels
package import Wire

// The passes over floats.
extension NativePasses {
    package func columnNorms(_ b: MatrixView) throws(Problem) -> ColumnNorms {
        try b.checkFloat()
        let columns = b.count * b.columns
        var norms = ColumnNorms(sumsOfSquares: Array(repeating: 0, count: columns), maxima: Array(repeating: 0, count: columns))
        var run = unsafe call.quiet
        let count = Int64(b.count)
        let status = unsafe b.withView { view in
            switch b.dtype {
            case .f32: unsafe adit_column_norms_f32(&run, view, count, &norms.sumsOfSquares, &norms.maxima)
            case .f64: unsafe adit_column_norms_f64(&run, view, count, &norms.sumsOfSquares, &norms.maxima)
            default: unsafe adit_column_norms_bf16(&run, view, count, &norms.sumsOfSquares, &norms.maxima)
            }
        }
        try KernelCall.check(status)
        return norms
    }

    package func probe(_ b: MatrixView, with probe: ColumnProbe, energies: Bool) throws(Problem) -> ProbedRows {
        try Self.check(b, probe)
        var y = [Double](repeating: 0, count: b.count * b.rows * ColumnProbe.width)
        var sums = [Double](repeating: 0, count: energies ? b.count * b.rows : 0)
        var run = unsafe call.quiet
        let count = Int64(b.count)
        let status = unsafe b.withView { view in
            unsafe sums.withUnsafeMutableBufferPointer { sums in
                let sums = energies ? sums.baseAddress : nil
                return switch b.dtype {
                case .f32: unsafe adit_probe_f32(&run, view, count, probe.x, probe.weights, &y, sums)
                case .f64: unsafe adit_probe_f64(&run, view, count, probe.x, probe.weights, &y, sums)
                default: unsafe adit_probe_bf16(&run, view, count, probe.x, probe.weights, &y, sums)
                }
            }
        }
        try KernelCall.check(status)
        return ProbedRows(y: y, energies: energies ? sums : nil)
    }

    package func rowResiduals(a: MatrixView, c: MatrixView, rows: ProbedRows, probe: ColumnProbe, vectors: Bool) throws(Problem) -> RowResiduals {
        try Self.check(c, probe)
        try a.checkFloat()
        guard c.dtype == (a.dtype == .bf16 ? .f32 : a.dtype), c.rows == a.rows, c.count == a.count, !c.isTransposed else {
            throw Problem(.internalError, "the passes' matrices don't fit")
        }
        if let energies = rows.energies { try Self.check(energies.count, a.count * a.columns) }
        try Self.check(rows.y.count, a.count * a.columns * ColumnProbe.width)
        let total = a.count * a.rows
        var found = [adit_row_residual](repeating: adit_row_residual(), count: total)
        var differences = [Double](repeating: 0, count: vectors ? total * ColumnProbe.width : 0)
        var images = differences
        var run = unsafe call.quiet
        let count = Int64(a.count)
        let status = unsafe a.withView { viewA in
            unsafe c.withView { viewC in
                unsafe withOptionalArray(rows.energies) { energies in
                    unsafe differences.withUnsafeMutableBufferPointer { differences in
                        unsafe images.withUnsafeMutableBufferPointer { images in
                            let (first, second) = vectors ? (differences.baseAddress, images.baseAddress) : (nil, nil)
                            return switch a.dtype {
                            case .f32:
                                unsafe adit_row_residuals_f32(&run, viewA, viewC, count, rows.y, energies, probe.x, probe.weights, &found, first, second)
                            case .f64:
                                unsafe adit_row_residuals_f64(&run, viewA, viewC, count, rows.y, energies, probe.x, probe.weights, &found, first, second)
                            default:
                                unsafe adit_row_residuals_bf16(&run, viewA, viewC, count, rows.y, energies, probe.x, probe.weights, &found, first, second)
                            }
                        }
                    }
                }
            }
        }
        try KernelCall.check(status)
        let residuals = found.map { RowResidual(residual: $0.residual, signal: $0.signal, energy: $0.energy, maximum: $0.maximum) }
        return RowResiduals(rows: residuals, differences: differences, images: images)
    }

    package func runningSums(a: MatrixView, rows: ProbedRows, indices: [Int]) throws(Problem) -> [Double] {
        try a.checkFloat()
        try Self.check(rows.y.count, a.count * a.columns * ColumnProbe.width)
        let places = indices.map { Int64($0) }
        var sums = [Double](repeating: 0, count: indices.count)
        var run = unsafe call.quiet
        let (count, number) = (Int64(a.count), Int64(indices.count))
        let status = unsafe a.withView { view in
            switch a.dtype {
            case .f32: unsafe adit_running_f32(&run, view, count, rows.y, places, number, &sums)
            case .f64: unsafe adit_running_f64(&run, view, count, rows.y, places, number, &sums)
            default: unsafe adit_running_bf16(&run, view, count, rows.y, places, number, &sums)
            }
        }
        try KernelCall.check(status)
        return sums
    }

    static func check(_ matrix: MatrixView, _ probe: ColumnProbe) throws(Problem) {
        try matrix.checkFloat()
        try check(probe.weights.count, matrix.count * matrix.columns)
        try check(probe.x.count, matrix.count * matrix.columns * ColumnProbe.width)
    }
}

/// A pointer to the numbers, or nil where there is no array, during the call only.
private func withOptionalArray<R>(_ numbers: [Double]?, _ body: (UnsafePointer<Double>?) -> R) -> R {
    guard let numbers else { return body(nil) }
    return unsafe numbers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
}
