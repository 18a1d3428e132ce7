import CKernels
import Foundation
package import Kernels
package import Wire

/// The verifier's passes by our own kernels: each reads its matrices once, on all cores, transposes in place.
package struct NativePasses: VerifierPasses {
    let call: KernelCall

    /// - Parameters: threads: nil for all cores. instructionSet: nil for the fastest that passes its self-test.
    /// - Throws: `backend_unavailable` if the processor lacks the instruction set or computes wrongly with it.
    package init(threads: Int? = nil, instructionSet: InstructionSet? = nil) throws(Problem) {
        let chosen = try InstructionSet.usable(instructionSet)
        self.init(call: KernelCall(instructionSet: chosen, threads: max(1, threads ?? ProcessInfo.processInfo.activeProcessorCount)))
    }

    init(call: KernelCall) { self.call = call }

    package func fieldProduct(_ matrix: MatrixView, _ vectors: [UInt64], count: Int) throws(Problem) -> [UInt64] {
        guard matrix.dtype == .i8 || matrix.dtype == .i32 else { throw Problem(.unsupportedDtype, "no field product of \(matrix.dtype.rawValue)") }
        try Self.check(vectors.count, count * matrix.columns)
        var result = [UInt64](repeating: 0, count: count * matrix.rows)
        var run = unsafe call.quiet
        let status = unsafe matrix.withView { view in
            matrix.dtype == .i8
                ? unsafe adit_field_product_i8(&run, view, vectors, Int64(count), &result)
                : unsafe adit_field_product_i32(&run, view, vectors, Int64(count), &result)
        }
        try KernelCall.check(status)
        return result
    }

    package func columnNorms(_ b: MatrixView) throws(Problem) -> ColumnNorms {
        try b.checkFloat()
        var norms = ColumnNorms(sumsOfSquares: Array(repeating: 0, count: b.columns), maxima: Array(repeating: 0, count: b.columns))
        var run = unsafe call.quiet
        let status = unsafe b.withView { view in
            b.dtype == .f32
                ? unsafe adit_column_norms_f32(&run, view, &norms.sumsOfSquares, &norms.maxima)
                : unsafe adit_column_norms_f64(&run, view, &norms.sumsOfSquares, &norms.maxima)
        }
        try KernelCall.check(status)
        return norms
    }

    package func probe(_ b: MatrixView, with probe: ColumnProbe, energies: Bool) throws(Problem) -> ProbedRows {
        try b.checkFloat()
        try Self.check(probe.weights.count, b.columns)
        try Self.check(probe.x.count, b.columns * ColumnProbe.width)
        var y = [Double](repeating: 0, count: b.rows * ColumnProbe.width)
        var sums = [Double](repeating: 0, count: energies ? b.rows : 0)
        var run = unsafe call.quiet
        let status = unsafe b.withView { view in
            unsafe sums.withUnsafeMutableBufferPointer { sums in
                let sums = energies ? sums.baseAddress : nil
                return b.dtype == .f32
                    ? unsafe adit_probe_f32(&run, view, probe.x, probe.weights, &y, sums)
                    : unsafe adit_probe_f64(&run, view, probe.x, probe.weights, &y, sums)
            }
        }
        try KernelCall.check(status)
        return ProbedRows(y: y, energies: energies ? sums : nil)
    }

    package func rowResiduals(a: MatrixView, c: MatrixView, rows: ProbedRows, probe: ColumnProbe) throws(Problem) -> [RowResidual] {
        try a.checkFloat()
        guard c.dtype == a.dtype, c.rows == a.rows, !c.isTransposed else { throw Problem(.internalError, "the passes' matrices don't fit") }
        if let energies = rows.energies { try Self.check(energies.count, a.columns) }
        try Self.check(rows.y.count, a.columns * ColumnProbe.width)
        try Self.check(probe.weights.count, c.columns)
        try Self.check(probe.x.count, c.columns * ColumnProbe.width)
        var found = [adit_row_residual](repeating: adit_row_residual(), count: a.rows)
        var run = unsafe call.quiet
        let status = unsafe a.withView { viewA in
            unsafe c.withView { viewC in
                unsafe withOptionalArray(rows.energies) { energies in
                    a.dtype == .f32
                        ? unsafe adit_row_residuals_f32(&run, viewA, viewC, rows.y, energies, probe.x, probe.weights, &found)
                        : unsafe adit_row_residuals_f64(&run, viewA, viewC, rows.y, energies, probe.x, probe.weights, &found)
                }
            }
        }
        try KernelCall.check(status)
        return found.map {
            RowResidual(residual: $0.residual, signal: $0.signal, energy: $0.energy, maximum: $0.maximum)
        }
    }

    package func runningSums(a: MatrixView, rows: ProbedRows, indices: [Int]) throws(Problem) -> [Double] {
        try a.checkFloat()
        try Self.check(rows.y.count, a.columns * ColumnProbe.width)
        let places = indices.map { Int64($0) }
        var sums = [Double](repeating: 0, count: indices.count)
        var run = unsafe call.quiet
        let status = unsafe a.withView { view in
            a.dtype == .f32
                ? unsafe adit_running_f32(&run, view, rows.y, places, Int64(places.count), &sums)
                : unsafe adit_running_f64(&run, view, rows.y, places, Int64(places.count), &sums)
        }
        try KernelCall.check(status)
        return sums
    }

    package func recomputeCells(_ gemm: GEMM, a: MatrixView, b: MatrixView, cells: [Cell]) throws(Problem) -> [UInt64] {
        let places = cells.map { adit_cell(row: Int64($0.row), column: Int64($0.column)) }
        return try unsafe recompute(gemm, a, b, count: cells.count) { run, viewA, viewB, bits in
            switch gemm.inputDType {
            case .f32: unsafe adit_cells_f32(run, viewA, viewB, places, Int64(places.count), bits)
            case .f64: unsafe adit_cells_f64(run, viewA, viewB, places, Int64(places.count), bits)
            default: unsafe adit_cells_i8(run, viewA, viewB, places, Int64(places.count), bits)
            }
        }
    }

    package func recomputeRows(_ gemm: GEMM, a: MatrixView, b: MatrixView, rows: [Int]) throws(Problem) -> [UInt64] {
        let places = rows.map { Int64($0) }
        return try unsafe recompute(gemm, a, b, count: rows.count * gemm.n) { run, viewA, viewB, bits in
            switch gemm.inputDType {
            case .f32: unsafe adit_rows_f32(run, viewA, viewB, places, Int64(places.count), bits)
            case .f64: unsafe adit_rows_f64(run, viewA, viewB, places, Int64(places.count), bits)
            default: unsafe adit_rows_i8(run, viewA, viewB, places, Int64(places.count), bits)
            }
        }
    }

    private func recompute(
        _ gemm: GEMM, _ a: MatrixView, _ b: MatrixView, count: Int,
        _ body: (UnsafePointer<adit_run>, adit_view, adit_view, UnsafeMutablePointer<UInt64>) -> Int32
    ) throws(Problem) -> [UInt64] {
        let dtype = gemm.inputDType
        guard a.dtype == dtype, b.dtype == dtype, (a.rows, a.columns) == (gemm.m, gemm.k), (b.rows, b.columns) == (gemm.k, gemm.n) else {
            throw Problem(.internalError, "the passes' matrices don't fit")
        }
        guard gemm.arithmetic == .i32Exact || gemm.arithmetic == .f32Panel256 || gemm.arithmetic == .f64Panel256 else {
            throw Problem(.unsupportedDtype, "no bits to recompute in \(gemm.arithmetic.rawValue)")
        }
        var bits = [UInt64](repeating: 0, count: count)
        var run = unsafe call.quiet
        let status = unsafe a.withView { viewA in unsafe b.withView { viewB in unsafe body(&run, viewA, viewB, &bits) } }
        try KernelCall.check(status)
        return bits
    }

    private static func check(_ found: Int, _ expected: Int) throws(Problem) {
        guard found == expected else { throw Problem(.internalError, "a pass needs \(expected) numbers, not \(found)") }
    }
}

/// A pointer to the numbers, or nil where there is no array, during the call only.
private func withOptionalArray<R>(_ numbers: [Double]?, _ body: (UnsafePointer<Double>?) -> R) -> R {
    guard let numbers else { return body(nil) }
    return unsafe numbers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
}

extension MatrixView {
    /// The view as the C passes see it, during the call only.
    fileprivate func withView<R>(_ body: (adit_view) -> R) -> R {
        unsafe tensor.buffer.withUnsafeBytes { raw in
            let start = unsafe raw.baseAddress.map { unsafe $0 + offset * dtype.byteCount }
            return unsafe body(adit_view(data: start, rows: Int64(rows), columns: Int64(columns), transposed: isTransposed))
        }
    }

    fileprivate func checkFloat() throws(Problem) {
        guard dtype == .f32 || dtype == .f64 else { throw Problem(.unsupportedDtype, "no float pass over \(dtype.rawValue)") }
    }
}
