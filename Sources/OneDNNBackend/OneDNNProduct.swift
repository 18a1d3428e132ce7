import COneDNN
import Dispatch
import Kernels
import Wire

/// One product, or a batch, cut into calls of the library of at most some tenths of a second, so that a run can be stopped.
///
/// F32 goes through `dnnl_sgemm`, in the reproducible form panel by panel (k = 256 at a time with beta = 1, so that the library adds each
/// panel's sums to what is in C); I8 through `dnnl_gemm_s8s8s32`; BF16 and batches of small matrices through matmul primitives.
struct OneDNNProduct {
    private static let panel = 256
    /// Cells of C in one strip of a reproducible product, which are rewritten while they are in the cache: 8 MiB.
    private static let cellsPerStrip = 1 << 21
    /// Batches of matrices up to so many operations each go through one matmul primitive, larger ones one by one: from there on a
    /// matrix of its own fills the cores.
    private static let operationsInBatch = 2 * 128 * 128 * 128

    private let engine: OneDNNEngine
    private let gemm: GEMM
    private let a: Tensor
    private let b: Tensor
    private let c: Tensor

    /// The tensors are already checked against the product.
    init(_ engine: OneDNNEngine, _ gemm: GEMM, _ a: Tensor, _ b: Tensor, _ c: Tensor) {
        (self.engine, self.gemm, self.a, self.b, self.c) = (engine, gemm, a, b, c)
    }

    /// - Throws: `canceled`, `memory_limit`, `backend_unavailable`; `unsupported_dtype` for F64 and where the library has no code.
    func run(_ plans: inout OneDNNPlans, _ control: RunControl) throws(Problem) {
        try control.step(0)
        guard gemm.operations > 0 else {
            unsafe c.buffer.withUnsafeMutableBytes { raw in _ = unsafe raw.initializeMemory(as: UInt8.self, repeating: 0) }
            return try control.step(1)
        }
        try unsafe a.buffer.withUnsafeBytes { rawA throws(Problem) in
            try unsafe b.buffer.withUnsafeBytes { rawB throws(Problem) in
                try unsafe c.buffer.withUnsafeMutableBytes { rawC throws(Problem) in
                    guard let a = rawA.baseAddress, let b = rawB.baseAddress, let c = rawC.baseAddress else { return }
                    try unsafe run(Operands(a: a, b: b, c: c), &plans, control)
                }
            }
        }
        try control.step(1)
    }

    @unsafe private struct Operands {
        let a: UnsafeRawPointer
        let b: UnsafeRawPointer
        let c: UnsafeMutableRawPointer
    }

    /// Operations in one call of the library.
    private var longest: Double { engine.callLength.operations(gemm.arithmetic) }

    private func timed(_ rows: Double, _ depth: Int, _ call: () throws(Problem) -> Void) throws(Problem) {
        try engine.callLength.time(gemm.arithmetic, operations: 2 * rows * Double(gemm.n) * Double(depth), call)
    }

    private func run(_ at: Operands, _ plans: inout OneDNNPlans, _ control: RunControl) throws(Problem) {
        let isSmall = gemm.single.operations <= Self.operationsInBatch
        switch gemm.arithmetic {
        case .bf16F32: try unsafe runMatmul(at, &plans, control)
        case .f32 where gemm.batch != nil && isSmall, .i32Exact where gemm.batch != nil && isSmall: try unsafe runMatmul(at, &plans, control)
        case .f32, .i32Exact, .f32Panel256:
            for index in 0..<gemm.count { try unsafe runSingle(at, index, control) }
        case .f64, .f64Panel256: throw Problem(.unsupportedDtype, "oneDNN multiplies no F64")
        }
    }

    // MARK: matmul primitives

    /// Groups of whole matrices, or strips of rows of one matrix where that alone is too long for a call.
    private func runMatmul(_ at: Operands, _ plans: inout OneDNNPlans, _ control: RunControl) throws(Problem) {
        let matrices = max(1, min(gemm.count, Int(longest / Double(max(1, gemm.single.operations)))))
        let height = max(1, min(gemm.m, Int(longest / Double(2 * gemm.n * gemm.k))))
        var done = 0.0
        for first in stride(from: 0, to: gemm.count, by: matrices) {
            let count = min(matrices, gemm.count - first)
            for row in stride(from: 0, to: gemm.m, by: height) {
                let rows = min(height, gemm.m - row)
                let plan = try plan(count, rows, &plans)
                let (sizeA, sizeB, sizeC) = (gemm.inputDType.byteCount, gemm.inputDType.byteCount, gemm.outputDType.byteCount)
                let skippedA = first * gemm.m * gemm.k + (gemm.transposeA ? row : row * gemm.k)
                try timed(Double(count) * Double(rows), gemm.k) { () throws(Problem) in
                    try unsafe plan.run([
                        UnsafeMutableRawPointer(mutating: at.a + skippedA * sizeA), UnsafeMutableRawPointer(mutating: at.b + first * gemm.k * gemm.n * sizeB),
                        at.c + (first * gemm.m * gemm.n + row * gemm.n) * sizeC,
                    ])
                }
                done += Double(count * rows)
                try control.step(done / (Double(gemm.count) * Double(gemm.m)))
            }
        }
    }

    private func plan(_ count: Int, _ rows: Int, _ plans: inout OneDNNPlans) throws(Problem) -> OneDNNPlan {
        let (m, n, k) = (gemm.m, gemm.n, gemm.k)
        let types: [DType: dnnl_data_type_t] = [.f32: dnnl_f32, .bf16: dnnl_bf16, .i8: dnnl_s8, .i32: dnnl_s32]
        guard let input = types[gemm.inputDType], let output = types[gemm.outputDType] else { throw Problem(.unsupportedDtype, "oneDNN multiplies no F64") }
        let key = OneDNNPlans.Key(
            kind: "matmul", numbers: [Int(input.rawValue), count, rows, m, n, k, gemm.transposeA ? 1 : 0, gemm.transposeB ? 1 : 0])
        return try plans.plan(key) { () throws(Problem) in
            var from = try engine.descriptor(input, [count, rows, k], strides: [m * k, gemm.transposeA ? 1 : k, gemm.transposeA ? m : 1])
            var weights = try engine.descriptor(input, [count, k, n], strides: [k * n, gemm.transposeB ? 1 : n, gemm.transposeB ? k : 1])
            var target = try engine.descriptor(output, [count, rows, n], strides: [m * n, n, 1])
            var operation = dnnl_matmul_desc_t()
            try unsafe engine.library.check(engine.library.matmulInit(&operation, &from, &weights, nil, &target), "matrix product")
            return try unsafe OneDNNPlan(
                engine, operation: &operation, arguments: [DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST], "matrix product")
        }
    }

    // MARK: one matrix at a time

    private func runSingle(_ at: Operands, _ index: Int, _ control: RunControl) throws(Problem) {
        let (m, n, k) = (gemm.m, gemm.n, gemm.k)
        let (sizeA, sizeC) = (gemm.inputDType.byteCount, 4)
        let (a, b, c) = unsafe (at.a + index * m * k * sizeA, at.b + index * k * n * sizeA, at.c + index * m * n * sizeC)
        let isPanels = gemm.arithmetic == .f32Panel256
        let height =
            isPanels
            ? max(2 * OneDNNOffer.bound, min(Self.cellsPerStrip / n, Int(longest / Double(2 * Self.panel * n))))
            : max(1, Int(longest / Double(2 * n * k)))
        // Strips of about equal height, so that none is thinner than half of the height asked for.
        let strips = (m + height - 1) / height
        for strip in 0..<strips {
            let rows = m * strip / strips..<m * (strip + 1) / strips
            let (placeA, placeC) = unsafe (a + (gemm.transposeA ? rows.lowerBound : rows.lowerBound * k) * sizeA, c + rows.lowerBound * n * sizeC)
            for start in stride(from: 0, to: k, by: isPanels ? Self.panel : k) {
                let depth = isPanels ? min(Self.panel, k - start) : k
                try timed(Double(rows.count), depth) { () throws(Problem) in
                    try unsafe multiply(
                        placeA + (gemm.transposeA ? start * m : start) * sizeA, b + (gemm.transposeB ? start : start * n) * sizeA, placeC, rows.count, depth,
                        isFirst: start == 0)
                }
                let share = (Double(rows.lowerBound) + Double(rows.count) * Double(start + depth) / Double(k)) / Double(m)
                try control.step((Double(index) + share) / Double(gemm.count))
            }
            if isPanels { unsafe canonicalize(placeC.assumingMemoryBound(to: Float.self), rows.count * n) }
        }
    }

    private func multiply(
        _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeMutableRawPointer, _ rows: Int, _ depth: Int, isFirst: Bool
    ) throws(Problem) {
        let (operationA, operationB) = (Self.operation(gemm.transposeA), Self.operation(gemm.transposeB))
        let (leadingA, leadingB) = (Int64(gemm.transposeA ? gemm.m : gemm.k), Int64(gemm.transposeB ? gemm.k : gemm.n))
        let (m, n, k) = (Int64(rows), Int64(gemm.n), Int64(depth))
        engine.library.useThreads(engine.threads)
        let status: dnnl_status_t
        if gemm.arithmetic == .i32Exact {
            var offset: Int32 = 0
            status = unsafe engine.library.gemmS8(
                operationA, operationB, CChar(UInt8(ascii: "F")), m, n, k, 1, a.assumingMemoryBound(to: Int8.self), leadingA, 0,
                b.assumingMemoryBound(to: Int8.self), leadingB, 0, 0, c.assumingMemoryBound(to: Int32.self), n, &offset)
        } else {
            status = unsafe engine.library.sgemm(
                operationA, operationB, m, n, k, 1, a.assumingMemoryBound(to: Float.self), leadingA, b.assumingMemoryBound(to: Float.self), leadingB,
                isFirst ? 0 : 1, c.assumingMemoryBound(to: Float.self), n)
        }
        try engine.library.check(status, "matrix product")
    }

    private static func operation(_ isTransposed: Bool) -> CChar { CChar(UInt8(ascii: isTransposed ? "T" : "N")) }

    /// On all threads: after a panel's sums the cells lie in every core's cache.
    private func canonicalize(_ cells: UnsafeMutablePointer<Float>, _ count: Int) {
        guard count >= 1 << 16, engine.threads > 1 else { return unsafe CanonicalCells.write(UnsafeMutableBufferPointer(start: cells, count: count)) }
        let parts = engine.threads
        nonisolated(unsafe) let cells = unsafe cells
        DispatchQueue.concurrentPerform(iterations: parts) { part in
            let range = count * part / parts..<count * (part + 1) / parts
            unsafe CanonicalCells.write(UnsafeMutableBufferPointer(start: cells + range.lowerBound, count: range.count))
        }
    }
}
