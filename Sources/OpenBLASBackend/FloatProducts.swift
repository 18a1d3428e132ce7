import COpenBLAS
import Dispatch
import Kernels
import Wire

/// An element that OpenBLAS multiplies.
protocol BLASFloat: BitwiseCopyable, Sendable {
    /// C = op(A)·op(B) + beta·C, row-major; the arguments are BLAS's own.
    static func multiply(
        _ library: OpenBLASLibrary, _ call: BLASCall, _ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>, _ c: UnsafeMutablePointer<Self>)
    static func canonicalize(_ cells: UnsafeMutableBufferPointer<Self>)
}

/// The numbers of one call.
struct BLASCall {
    let transposeA: Bool
    let transposeB: Bool
    let m: Int, n: Int, k: Int
    let leadingA: Int, leadingB: Int, leadingC: Int
    let adds: Bool

    static func operation(_ isTransposed: Bool) -> Int32 { Int32(isTransposed ? adit_blas_transpose : adit_blas_no_transpose) }
}

extension Float: BLASFloat {
    static func multiply(
        _ library: OpenBLASLibrary, _ call: BLASCall, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>
    ) {
        // Dimensions are below 2^31 (`GEMM`).
        unsafe library.sgemm(
            Int32(adit_blas_row_major), BLASCall.operation(call.transposeA), BLASCall.operation(call.transposeB), Int32(call.m), Int32(call.n), Int32(call.k),
            1,
            a, Int32(call.leadingA), b, Int32(call.leadingB), call.adds ? 1 : 0, c, Int32(call.leadingC))
    }

    static func canonicalize(_ cells: UnsafeMutableBufferPointer<Float>) { unsafe CanonicalCells.write(cells) }
}

extension Double: BLASFloat {
    static func multiply(
        _ library: OpenBLASLibrary, _ call: BLASCall, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ c: UnsafeMutablePointer<Double>
    ) {
        unsafe library.dgemm(
            Int32(adit_blas_row_major), BLASCall.operation(call.transposeA), BLASCall.operation(call.transposeB), Int32(call.m), Int32(call.n), Int32(call.k),
            1,
            a, Int32(call.leadingA), b, Int32(call.leadingB), call.adds ? 1 : 0, c, Int32(call.leadingC))
    }

    static func canonicalize(_ cells: UnsafeMutableBufferPointer<Double>) { unsafe CanonicalCells.write(cells) }
}

/// F32 and F64 products, one by one or in batches.
///
/// Free ones in the library's own order. Reproducible ones panel by panel: k = 256 at a time with beta = 1, so that OpenBLAS adds each
/// panel's sums to what is in C; right only where the library's kernels keep one sum for each cell over a panel, in ascending order
/// (`PanelRule` tests it).
enum FloatProducts {
    static let panel = 256
    /// Cells of C in one strip of a reproducible product, which are rewritten while they are in the cache.
    private static let cellsPerStrip = 1 << 21
    /// Matrices of a batch up to so many operations are multiplied one to a core; a larger one fills the cores by itself.
    private static let operationsOnOneCore = 2 * 160 * 160 * 160

    /// The tensors are already checked against the product.
    ///
    /// - Throws: `canceled`.
    static func run(_ library: OpenBLASLibrary, threads: Int, _ gemm: GEMM, _ a: Tensor, _ b: Tensor, into c: Tensor, _ control: RunControl) throws(Problem) {
        guard gemm.operations > 0 else {
            return unsafe c.buffer.withUnsafeMutableBytes { raw in _ = unsafe raw.initializeMemory(as: UInt8.self, repeating: 0) }
        }
        if gemm.inputDType == .f64 {
            try run(library, threads, gemm, a, b, c, control, Double.self)
        } else {
            try run(library, threads, gemm, a, b, c, control, Float.self)
        }
    }

    private static func run<T: BLASFloat>(
        _ library: OpenBLASLibrary, _ threads: Int, _ gemm: GEMM, _ a: Tensor, _ b: Tensor, _ c: Tensor, _ control: RunControl, _ type: T.Type
    ) throws(Problem) {
        try unsafe GEMM.withElements(type, a, b, c) { (a, b, c) throws(Problem) in
            let product = unsafe Product(library: library, gemm: gemm, a: a, b: b, c: c)
            if gemm.count > 1, gemm.single.operations <= operationsOnOneCore, threads > 1 {
                try spread(product, threads, control)
            } else {
                for index in 0..<gemm.count { try product.run(index, threads, control) }
            }
        }
    }

    /// Matrices one to a core: each thread takes the next few, with no threads inside the library.
    private static func spread<T: BLASFloat>(_ product: Product<T>, _ threads: Int, _ control: RunControl) throws(Problem) {
        let gemm = product.gemm
        product.library.threads = 1
        defer { product.library.threads = threads }
        // So many that a run can be stopped some times a second, and that the threads' ends meet.
        let group = max(threads, Int(product.library.callLength.operations(gemm.arithmetic) / Double(gemm.single.operations)))
        let few = max(1, min(64, group / (8 * threads)))
        for start in stride(from: 0, to: gemm.count, by: group) {
            let end = min(start + group, gemm.count)
            let queue = BatchQueue(start..<end)
            DispatchQueue.concurrentPerform(iterations: threads) { _ in
                while let matrices = queue.take(few) { for index in matrices { product.multiplyWhole(index) } }
            }
            try control.step(Double(end) / Double(gemm.count))
        }
    }

    /// `@unchecked Sendable`: threads write different matrices of C and only read the rest.
    @safe private struct Product<T: BLASFloat>: @unchecked Sendable {
        let library: OpenBLASLibrary
        let gemm: GEMM
        let a: UnsafePointer<T>
        let b: UnsafePointer<T>
        let c: UnsafeMutablePointer<T>

        private var isPanels: Bool { gemm.arithmetic == .f32Panel256 || gemm.arithmetic == .f64Panel256 }

        /// One matrix on all threads, in strips of rows of about equal height, so that none is thinner than half of the height asked for.
        func run(_ index: Int, _ threads: Int, _ control: RunControl) throws(Problem) {
            let depth = isPanels ? min(panel, gemm.k) : gemm.k
            let longest = max(1, Int(library.callLength.operations(gemm.arithmetic) / Double(2 * depth * gemm.n)))
            let height = isPanels ? max(2 * PanelRule.bound, min(longest, cellsPerStrip / gemm.n)) : longest
            let strips = (gemm.m + height - 1) / height
            for strip in 0..<strips {
                let rows = gemm.m * strip / strips..<gemm.m * (strip + 1) / strips
                for start in stride(from: 0, to: gemm.k, by: depth) {
                    let end = min(start + depth, gemm.k)
                    library.callLength.time(gemm.arithmetic, operations: 2 * Double(rows.count) * Double(gemm.n) * Double(end - start)) {
                        multiply(index, rows, start..<end)
                    }
                    let share = (Double(rows.lowerBound) + Double(rows.count) * Double(end) / Double(gemm.k)) / Double(gemm.m)
                    try control.step((Double(index) + share) / Double(gemm.count))
                }
                if isPanels { canonicalize(index, rows, threads) }
            }
        }

        /// One matrix on the calling thread.
        func multiplyWhole(_ index: Int) {
            let depth = isPanels ? min(panel, gemm.k) : gemm.k
            for start in stride(from: 0, to: gemm.k, by: depth) { multiply(index, 0..<gemm.m, start..<min(start + depth, gemm.k)) }
            if isPanels { canonicalize(index, 0..<gemm.m, 1) }
        }

        private func multiply(_ index: Int, _ rows: Range<Int>, _ depth: Range<Int>) {
            let (m, n, k) = (gemm.m, gemm.n, gemm.k)
            let call = BLASCall(
                transposeA: gemm.transposeA, transposeB: gemm.transposeB, m: rows.count, n: n, k: depth.count, leadingA: gemm.transposeA ? m : k,
                leadingB: gemm.transposeB ? k : n, leadingC: n, adds: depth.lowerBound > 0)
            let placeA = unsafe a + index * m * k + (gemm.transposeA ? depth.lowerBound * m + rows.lowerBound : rows.lowerBound * k + depth.lowerBound)
            let placeB = unsafe b + index * k * n + (gemm.transposeB ? depth.lowerBound : depth.lowerBound * n)
            unsafe T.multiply(library, call, placeA, placeB, c + index * m * n + rows.lowerBound * n)
        }

        private func canonicalize(_ index: Int, _ rows: Range<Int>, _ threads: Int) {
            let count = rows.count * gemm.n
            let parts = count >= 1 << 16 ? threads : 1
            let start = index * gemm.m * gemm.n + rows.lowerBound * gemm.n
            let write = { @Sendable (part: Int) in
                let range = count * part / parts..<count * (part + 1) / parts
                unsafe T.canonicalize(UnsafeMutableBufferPointer(start: self.c + start + range.lowerBound, count: range.count))
            }
            if parts == 1 { write(0) } else { DispatchQueue.concurrentPerform(iterations: parts, execute: write) }
        }
    }
}
