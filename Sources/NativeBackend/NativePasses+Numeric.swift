import CKernels
package import Kernels
package import Wire

// The passes of the class *numeric*: lower precisions and rows summed again.
extension NativePasses {
    package func roundedProbes(_ b: MatrixView, with probe: ColumnProbe) throws(Problem) -> [[Double]] {
        try Self.check(b, probe)
        let (length, number) = (b.count * b.rows * ColumnProbe.width, Precision.below(b.dtype).count)
        guard number > 0 else { return [] }
        var y = [Double](repeating: 0, count: number * length)
        var run = unsafe call.quiet
        let count = Int64(b.count)
        let status = unsafe b.withView { view in
            b.dtype == .f32
                ? unsafe adit_rounded_probes_f32(&run, view, count, probe.x, probe.weights, &y)
                : unsafe adit_rounded_probes_bf16(&run, view, count, probe.x, probe.weights, &y)
        }
        try KernelCall.check(status)
        return Self.parts(y, length, number)
    }

    package func filterImages(a: MatrixView, y: [Double], rounded: [[Double]]) throws(Problem) -> [[Double]] {
        try a.checkFloat()
        let length = a.count * a.columns * ColumnProbe.width
        for vectors in [y] + rounded { try Self.check(vectors.count, length) }
        try Self.check(rounded.count, Precision.below(a.dtype).count)
        let (size, number) = (a.count * a.rows * ColumnProbe.width, Filter.family(a.dtype).count)
        guard number > 0 else { return [] }
        var images = [Double](repeating: 0, count: number * size)
        var all: [Double] = []
        all.reserveCapacity(rounded.count * length)
        for vectors in rounded { all.append(contentsOf: vectors) }
        var run = unsafe call.quiet
        let count = Int64(a.count)
        let status = unsafe a.withView { view in
            a.dtype == .f32
                ? unsafe adit_filter_images_f32(&run, view, count, y, all, &images)
                : unsafe adit_filter_images_bf16(&run, view, count, y, all, &images)
        }
        try KernelCall.check(status)
        return Self.parts(images, size, number)
    }

    package func recomputeSums(a: MatrixView, b: MatrixView, rows: [Int], again: Bool) throws(Problem) -> RowSums {
        try a.checkFloat()
        guard a.dtype == b.dtype, a.columns == b.rows, a.count == b.count else { throw Problem(.internalError, "the passes' matrices don't fit") }
        let filters = again ? Filter.family(a.dtype).count : 0
        let orders = again ? a.dtype == .bf16 ? 7 : a.dtype == .f32 ? 6 : 0 : 0
        let length = rows.count * b.columns
        var sums = [Double](repeating: 0, count: (1 + filters + orders) * length)
        let places = rows.map { Int64($0) }
        var run = unsafe call.quiet
        let (count, number) = (Int64(a.count), Int64(rows.count))
        let status = unsafe a.withView { viewA in
            unsafe b.withView { viewB in
                switch a.dtype {
                case .f32: unsafe adit_sums_f32(&run, viewA, viewB, count, places, number, again, &sums)
                case .f64: unsafe adit_sums_f64(&run, viewA, viewB, count, places, number, again, &sums)
                default: unsafe adit_sums_bf16(&run, viewA, viewB, count, places, number, again, &sums)
                }
            }
        }
        try KernelCall.check(status)
        let parts = Self.parts(sums, length, 1 + filters + orders)
        return RowSums(exact: parts[0], filtered: Array(parts[1..<1 + filters]), orders: Array(parts[(1 + filters)...]))
    }

    private static func parts(_ numbers: [Double], _ length: Int, _ count: Int) -> [[Double]] {
        (0..<count).map { Array(numbers[$0 * length..<($0 + 1) * length]) }
    }
}
