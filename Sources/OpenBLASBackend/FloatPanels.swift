import COpenBLAS
import Kernels
import Wire

/// F32 and F64 products panel by panel: k = 256 at a time with beta = 1, so that OpenBLAS adds each panel's sums to what is in C.
///
/// Right only where the library's kernels keep one sum for each cell over a panel, in ascending order (`PanelRule` tests it).
enum FloatPanels {
    static let length = 256
    /// Operations in one call of the library: tens of milliseconds, between which a run can be stopped.
    private static let operationsPerCall = 8e9

    static func run(_ library: OpenBLASLibrary, _ gemm: GEMM, _ a: Tensor, _ b: Tensor, into c: Tensor, _ control: RunControl) throws(Problem) {
        try panels(gemm, control) { rows, depth, isFirst in
            unsafe withPointers(gemm, a, b, c, rows, depth, Float.self) { a, b, c in
                unsafe library.sgemm(
                    Int32(adit_blas_row_major), operation(gemm.transposeA), operation(gemm.transposeB), Int32(rows.count), Int32(gemm.n),
                    Int32(depth.count), 1, a, leading(gemm.shapeA), b, leading(gemm.shapeB), isFirst ? 0 : 1, c, leading(gemm.shapeC))
            }
        }
        c.withMutableElements(as: Float.self) { cells in
            for index in cells.indices { cells[index] = canonical(cells[index]) }
        }
    }

    static func run64(_ library: OpenBLASLibrary, _ gemm: GEMM, _ a: Tensor, _ b: Tensor, into c: Tensor, _ control: RunControl) throws(Problem) {
        try panels(gemm, control) { rows, depth, isFirst in
            unsafe withPointers(gemm, a, b, c, rows, depth, Double.self) { a, b, c in
                unsafe library.dgemm(
                    Int32(adit_blas_row_major), operation(gemm.transposeA), operation(gemm.transposeB), Int32(rows.count), Int32(gemm.n),
                    Int32(depth.count), 1, a, leading(gemm.shapeA), b, leading(gemm.shapeB), isFirst ? 0 : 1, c, leading(gemm.shapeC))
            }
        }
        c.withMutableElements(as: Double.self) { cells in
            for index in cells.indices { cells[index] = canonical(cells[index]) }
        }
    }

    /// The F32 product in one call, in the library's own order: for measuring.
    static func multiplyFreely(_ library: OpenBLASLibrary, _ gemm: GEMM, _ a: Tensor, _ b: Tensor, into c: Tensor) {
        unsafe withPointers(gemm, a, b, c, 0..<gemm.m, 0..<gemm.k, Float.self) { a, b, c in
            unsafe library.sgemm(
                Int32(adit_blas_row_major), operation(gemm.transposeA), operation(gemm.transposeB), Int32(gemm.m), Int32(gemm.n), Int32(gemm.k),
                1, a, leading(gemm.shapeA), b, leading(gemm.shapeB), 0, c, leading(gemm.shapeC))
        }
    }

    /// −0 becomes +0 (the sum of the two is +0), every NaN the one with no sign and no payload.
    static func canonical<T: BinaryFloatingPoint>(_ value: T) -> T { value.isNaN ? T.nan : value + 0 }

    /// Calls `body` for strips of rows and the panels of k, in an order that keeps every cell's own.
    private static func panels(
        _ gemm: GEMM, _ control: RunControl, _ body: (_ rows: Range<Int>, _ depth: Range<Int>, _ isFirst: Bool) -> Void
    ) throws(Problem) {
        guard gemm.m > 0, gemm.n > 0, gemm.k > 0 else { return }
        // Strips of about equal height, so that none is thinner than half of the height asked for.
        let height = max(2 * PanelRule.bound, Int(operationsPerCall / Double(2 * length * gemm.n)))
        let strips = (gemm.m + height - 1) / height
        for strip in 0..<strips {
            let rows = gemm.m * strip / strips..<gemm.m * (strip + 1) / strips
            for start in stride(from: 0, to: gemm.k, by: length) {
                body(rows, start..<min(start + length, gemm.k), start == 0)
                try control.step((Double(rows.lowerBound) + Double(rows.count) * Double(start) / Double(gemm.k)) / Double(gemm.m))
            }
        }
    }

    /// The places in memory of A[rows, depth], B[depth, all] and C[rows, all].
    private static func withPointers<T: BitwiseCopyable>(
        _ gemm: GEMM, _ a: Tensor, _ b: Tensor, _ c: Tensor, _ rows: Range<Int>, _ depth: Range<Int>, _ type: T.Type,
        _ body: (UnsafePointer<T>?, UnsafePointer<T>?, UnsafeMutablePointer<T>?) -> Void
    ) {
        let skippedA = gemm.transposeA ? depth.lowerBound * gemm.m + rows.lowerBound : rows.lowerBound * gemm.k + depth.lowerBound
        let skippedB = gemm.transposeB ? depth.lowerBound : depth.lowerBound * gemm.n
        unsafe a.buffer.withUnsafeBytes { rawA in
            unsafe b.buffer.withUnsafeBytes { rawB in
                unsafe c.buffer.withUnsafeMutableBytes { rawC in
                    unsafe body(
                        rawA.baseAddress?.assumingMemoryBound(to: type).advanced(by: skippedA),
                        rawB.baseAddress?.assumingMemoryBound(to: type).advanced(by: skippedB),
                        rawC.baseAddress?.assumingMemoryBound(to: type).advanced(by: rows.lowerBound * gemm.n))
                }
            }
        }
    }

    private static func operation(_ isTransposed: Bool) -> Int32 {
        Int32(isTransposed ? adit_blas_transpose : adit_blas_no_transpose)
    }

    /// Dimensions are below 2^31 (`GEMM`); BLAS wants at least 1.
    private static func leading(_ shape: [Int]) -> Int32 { Int32(max(1, shape[1])) }
}
