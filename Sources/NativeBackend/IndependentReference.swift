import CKernels
import Foundation
package import Kernels
import Synchronization
package import Wire

/// Gram matrices X·Xᵀ computed apart from the product's own path: plain C loops that share no code with the kernels.
///
/// The demonstration compares its results with these. Only cells j ≤ i are computed, since the matrix is symmetric to the bit.
package enum IndependentReference {
    /// X·Xᵀ, or Xᵀ·X if `transposed`, of an I8 matrix (into I32) or an F32 matrix (by the panel-256 rule).
    ///
    /// Synchronous and long; uses `threads` threads of its own (nil: all cores).
    ///
    /// - Throws: `unsupported_dtype`, `shape_mismatch`, `too_long`, `memory_limit`.
    package static func gram(_ x: Tensor, transposed: Bool = false, threads: Int? = nil) throws(Problem) -> Tensor {
        let view = try MatrixView(x, transposed: transposed)
        guard x.dtype == .i8 || x.dtype == .f32 else { throw Problem(.unsupportedDtype, "no reference Gram matrix of \(x.dtype.rawValue)") }
        let gemm = try GEMM(
            m: view.rows, n: view.rows, k: view.columns, transposeA: transposed, transposeB: !transposed,
            arithmetic: x.dtype == .i8 ? .i32Exact : .f32Panel256)
        let c = try Tensor(zeros: try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC))
        let ranges = ranges(rows: view.rows, workers: max(1, threads ?? ProcessInfo.processInfo.activeProcessorCount))
        let failed = Atomic(false)
        unsafe x.buffer.withUnsafeBytes { source in
            unsafe c.buffer.withUnsafeMutableBytes { target in
                guard let base = source.baseAddress, let out = target.baseAddress else { return }
                // Every worker writes cells of its own: the rows of its range, and their mirror images.
                nonisolated(unsafe) let (from, into) = unsafe (base, out)
                DispatchQueue.concurrentPerform(iterations: ranges.count) { index in
                    let done = unsafe fill(view, ranges[index], from, into)
                    if !done { failed.store(true, ordering: .relaxed) }
                }
            }
        }
        guard !failed.load(ordering: .relaxed) else { throw Problem(.memoryLimit, "no memory for the reference's panel") }
        return c
    }

    private static func fill(_ view: MatrixView, _ rows: Range<Int>, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) -> Bool {
        let (count, k, first, last) = (Int64(view.rows), Int64(view.columns), Int64(rows.lowerBound), Int64(rows.upperBound))
        return view.dtype == .i8
            ? unsafe adit_reference_gram_i8(
                source.assumingMemoryBound(to: Int8.self), count, k, view.isTransposed, first, last, target.assumingMemoryBound(to: Int32.self))
            : unsafe adit_reference_gram_f32(
                source.assumingMemoryBound(to: Float.self), count, k, view.isTransposed, first, last, target.assumingMemoryBound(to: Float.self))
    }

    /// Ranges of rows of about the same work each: row i has i + 1 cells.
    private static func ranges(rows: Int, workers: Int) -> [Range<Int>] {
        let bounds = (0...workers).map { Int((Double($0) / Double(workers)).squareRoot() * Double(rows)) }
        return zip(bounds, bounds.dropFirst()).compactMap { $0 < $1 ? $0..<$1 : nil }
    }
}
