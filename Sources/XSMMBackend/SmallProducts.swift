import CXSMM
import Dispatch
import Kernels
import Wire

/// An element that libxsmm multiplies.
protocol SmallFloat: BitwiseCopyable, Sendable {
    /// `count` products; the sizes are those of one matrix each. A and B as the library calls them.
    static func multiply(
        _ kernel: SmallKernel, _ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>, _ c: UnsafeMutablePointer<Self>, _ sizes: (a: Int, b: Int, c: Int),
        _ count: Int)
    static func canonicalize(_ cells: UnsafeMutableBufferPointer<Self>)
}

extension Float: SmallFloat {
    static func multiply(
        _ kernel: SmallKernel, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, _ sizes: (a: Int, b: Int, c: Int),
        _ count: Int
    ) { unsafe adit_xsmm_run_f32(kernel.code, a, b, c, sizes.a, sizes.b, sizes.c, count) }

    static func canonicalize(_ cells: UnsafeMutableBufferPointer<Float>) { unsafe CanonicalCells.write(cells) }
}

extension Double: SmallFloat {
    static func multiply(
        _ kernel: SmallKernel, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ c: UnsafeMutablePointer<Double>, _ sizes: (a: Int, b: Int, c: Int),
        _ count: Int
    ) { unsafe adit_xsmm_run_f64(kernel.code, a, b, c, sizes.a, sizes.b, sizes.c, count) }

    static func canonicalize(_ cells: UnsafeMutableBufferPointer<Double>) { unsafe CanonicalCells.write(cells) }
}

/// One small product, or a batch of them over the cores.
enum SmallProducts {
    /// Between two looks at the control: some 2 ms of one core.
    private static let operationsPerStep = 2e8
    /// What one thread takes at a time, in cells of C: they are made canonical while they lie in its nearest cache.
    private static let cellsPerChunk = 4096
    /// Below, waking threads takes longer than the work.
    private static let operationsOnOneCore = 1_000_000

    /// The tensors are already checked against the product, and the kernel was made for its shape.
    ///
    /// - Throws: `canceled`.
    static func run(
        _ kernel: SmallKernel, _ gemm: GEMM, _ a: Tensor, _ b: Tensor, into c: Tensor, threads: Int, _ control: RunControl
    ) throws(Problem) {
        if gemm.inputDType == .f64 {
            try run(kernel, gemm, a, b, c, threads, control, Double.self)
        } else {
            try run(kernel, gemm, a, b, c, threads, control, Float.self)
        }
    }

    private static func run<T: SmallFloat>(
        _ kernel: SmallKernel, _ gemm: GEMM, _ a: Tensor, _ b: Tensor, _ c: Tensor, _ threads: Int, _ control: RunControl, _ type: T.Type
    ) throws(Problem) {
        try unsafe GEMM.withElements(type, a, b, c) { (a, b, c) throws(Problem) in
            try steps(unsafe Batch(kernel: kernel, gemm: gemm, a: a, b: b, c: c), threads, control)
        }
    }

    private static func steps<T: SmallFloat>(_ batch: Batch<T>, _ threads: Int, _ control: RunControl) throws(Problem) {
        let gemm = batch.gemm
        guard gemm.operations > 0 else { return }
        let chunk = max(1, cellsPerChunk / (gemm.m * gemm.n))
        let perStep = max(chunk, Int(operationsPerStep / Double(gemm.single.operations))) * threads
        for start in stride(from: 0, to: gemm.count, by: perStep) {
            let end = min(start + perStep, gemm.count)
            let queue = BatchQueue(start..<end)
            let work = { @Sendable (_: Int) in
                while let matrices = queue.take(chunk) { batch.multiply(matrices) }
            }
            let operations = (end - start) * Int(gemm.single.operations)
            if threads == 1 || operations < operationsOnOneCore {
                work(0)
            } else {
                DispatchQueue.concurrentPerform(iterations: threads, execute: work)
            }
            try control.step(Double(end) / Double(gemm.count))
        }
    }

    /// `@unchecked Sendable`: threads write different matrices of C and only read the rest.
    @safe private struct Batch<T: SmallFloat>: @unchecked Sendable {
        let kernel: SmallKernel
        let gemm: GEMM
        let a: UnsafePointer<T>
        let b: UnsafePointer<T>
        let c: UnsafeMutablePointer<T>

        func multiply(_ range: Range<Int>) {
            let (sizeA, sizeB, sizeC) = (gemm.m * gemm.k, gemm.k * gemm.n, gemm.m * gemm.n)
            let cells = unsafe c + range.lowerBound * sizeC
            // B first: see `SmallKernels.make`.
            unsafe T.multiply(kernel, b + range.lowerBound * sizeB, a + range.lowerBound * sizeA, cells, (sizeB, sizeA, sizeC), range.count)
            if gemm.arithmetic == .f32Panel256 || gemm.arithmetic == .f64Panel256 {
                unsafe T.canonicalize(UnsafeMutableBufferPointer(start: cells, count: range.count * sizeC))
            }
        }
    }
}
