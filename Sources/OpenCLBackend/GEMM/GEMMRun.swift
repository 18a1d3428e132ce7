import Kernels
import Wire

/// One product on one device, block by block. Tensors are already checked against it, and no dimension is 0.
///
/// Where memory isn't shared, a block of A travels to the device while the block before it is multiplied, and the block before that
/// travels back. The caller's thread copies and waits.
struct GEMMRun {
    let session: DeviceSession
    let staging: Staging
    let engine: Engine
    let gemm: GEMM
    let control: RunControl
    /// Operations between two looks at whether the run is still wanted.
    let operationsPerBlock: Double

    /// What multiplies.
    enum Engine: Sendable {
        case own(Microkernel)
        case clblast(CLBlastLibrary)

        var kernel: Microkernel? { if case .own(let kernel) = self { kernel } else { nil } }
    }

    /// - Throws: `canceled`, `memory_limit`, `backend_unavailable`.
    func run(_ a: Tensor, _ b: Tensor, into c: Tensor) throws(Problem) {
        try unsafe a.buffer.withUnsafeBytes { rawA throws(Problem) in
            try unsafe b.buffer.withUnsafeBytes { rawB throws(Problem) in
                try unsafe c.buffer.withUnsafeMutableBytes { rawC throws(Problem) in
                    // Nothing may still run on lent memory, or on the tensors, once this is left.
                    defer { session.settle() }
                    try session.pool.lend { loan throws(Problem) in try unsafe run(rawA, rawB, rawC, loan) }
                }
            }
        }
    }

    private func run(
        _ rawA: UnsafeRawBufferPointer, _ rawB: UnsafeRawBufferPointer, _ rawC: UnsafeMutableRawBufferPointer, _ loan: BufferPool.Loan
    ) throws(Problem) {
        let a = unsafe OperandSource(session, staging, loan, .a(gemm), rawA, slots: 2)
        let b = unsafe OperandSource(session, staging, loan, .b(gemm), rawB, slots: 1)
        let target = unsafe ProductTarget(session, staging, loan, gemm, rawC)
        let costs = BlockPlan.Costs(kernel: engine.kernel, isCopied: a.isCopied || b.isCopied || target.isCopied)
        let plan = try BlockPlan.make(gemm, costs, cap: session.pool.cap, largest: session.pool.largest, operations: operationsPerBlock)
        let calls = BlockCalls(session: session, engine: engine, gemm: gemm, loan: loan)
        var done = 0.0
        for matrix in stride(from: 0, to: gemm.count, by: plan.matrices) {
            let matrices = matrix..<min(matrix + plan.matrices, gemm.count)
            for column in stride(from: 0, to: gemm.n, by: plan.columns) {
                let columns = column..<min(column + plan.columns, gemm.n)
                let right = try calls.prepare(try b.block(columns, matrices), .b, matrices.count)
                for row in stride(from: 0, to: gemm.m, by: plan.rows) {
                    let rows = row..<min(row + plan.rows, gemm.m)
                    let left = try calls.prepare(try a.block(rows, matrices), .a, matrices.count)
                    let event = try calls.multiply(left, right, into: try target.place(rows, columns, matrices), matrices.count)
                    try session.flush(session.compute)
                    a.used(until: left.packed ?? event)
                    b.used(until: right.packed ?? event)
                    // The block before this one comes back while this one is computed.
                    try target.follow(event)
                    done += 2 * Double(rows.count) * Double(columns.count) * Double(gemm.k) * Double(matrices.count)
                    try control.step(done / Double(gemm.operations) * 0.999)
                }
            }
        }
        try target.finish()
    }
}
