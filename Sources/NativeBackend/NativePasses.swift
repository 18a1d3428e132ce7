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
        let isShared = vectors.count == count * matrix.columns
        if !isShared { try Self.check(vectors.count, count * matrix.count * matrix.columns) }
        var result = [UInt64](repeating: 0, count: count * matrix.count * matrix.rows)
        var run = unsafe call.quiet
        let status = unsafe matrix.withView { view in
            matrix.dtype == .i8
                ? unsafe adit_field_product_i8(&run, view, Int64(matrix.count), vectors, Int64(count), !isShared, &result)
                : unsafe adit_field_product_i32(&run, view, Int64(matrix.count), vectors, Int64(count), !isShared, &result)
        }
        try KernelCall.check(status)
        return result
    }

    package func recomputeCells(_ gemm: GEMM, a: MatrixView, b: MatrixView, cells: [Cell]) throws(Problem) -> [UInt64] {
        let places = cells.map { adit_cell(row: Int64($0.row), column: Int64($0.column)) }
        return try unsafe recompute(gemm, a, b, count: cells.count) { run, viewA, viewB, bits in
            switch gemm.inputDType {
            case .f32: unsafe adit_cells_f32(run, viewA, viewB, Int64(a.count), places, Int64(places.count), bits)
            case .f64: unsafe adit_cells_f64(run, viewA, viewB, Int64(a.count), places, Int64(places.count), bits)
            default: unsafe adit_cells_i8(run, viewA, viewB, Int64(a.count), places, Int64(places.count), bits)
            }
        }
    }

    package func recomputeRows(_ gemm: GEMM, a: MatrixView, b: MatrixView, rows: [Int]) throws(Problem) -> [UInt64] {
        let places = rows.map { Int64($0) }
        return try unsafe recompute(gemm, a, b, count: rows.count * gemm.n) { run, viewA, viewB, bits in
            switch gemm.inputDType {
            case .f32: unsafe adit_rows_f32(run, viewA, viewB, Int64(a.count), places, Int64(places.count), bits)
            case .f64: unsafe adit_rows_f64(run, viewA, viewB, Int64(a.count), places, Int64(places.count), bits)
            default: unsafe adit_rows_i8(run, viewA, viewB, Int64(a.count), places, Int64(places.count), bits)
            }
        }
    }

    private func recompute(
        _ gemm: GEMM, _ a: MatrixView, _ b: MatrixView, count: Int,
        _ body: (UnsafePointer<adit_run>, adit_view, adit_view, UnsafeMutablePointer<UInt64>) -> Int32
    ) throws(Problem) -> [UInt64] {
        let dtype = gemm.inputDType
        guard a.dtype == dtype, b.dtype == dtype, (a.rows, a.columns) == (gemm.m, gemm.k), (b.rows, b.columns) == (gemm.k, gemm.n), a.count == b.count else {
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

    static func check(_ found: Int, _ expected: Int) throws(Problem) {
        guard found == expected else { throw Problem(.internalError, "a pass needs \(expected) numbers, not \(found)") }
    }
}

extension MatrixView {
    /// The view as the C passes see it, during the call only.
    func withView<R>(_ body: (adit_view) -> R) -> R {
        unsafe tensor.buffer.withUnsafeBytes { raw in
            let start = unsafe raw.baseAddress.map { unsafe $0 + offset * dtype.byteCount }
            return unsafe body(adit_view(data: start, rows: Int64(rows), columns: Int64(columns), transposed: isTransposed))
        }
    }

    func checkFloat() throws(Problem) {
        guard dtype == .f32 || dtype == .f64 || dtype == .bf16 else { throw Problem(.unsupportedDtype, "no float pass over \(dtype.rawValue)") }
    }
}
