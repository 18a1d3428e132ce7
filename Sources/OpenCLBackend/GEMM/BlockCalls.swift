import Kernels
import Wire

/// The calls that one block of a product takes: laying out both operands, and the product.
final class BlockCalls {
    enum Side { case a, b }

    /// An operand that is ready to be multiplied.
    struct Prepared {
        let block: PlacedBlock
        /// What has read the block, which may then be overwritten; nil if the product itself reads it.
        let packed: Event?
    }

    private let session: DeviceSession
    private let engine: GEMMRun.Engine
    private let gemm: GEMM
    private let loan: BufferPool.Loan
    private var buffers: [Side: DeviceBuffer] = [:]

    init(session: DeviceSession, engine: GEMMRun.Engine, gemm: GEMM, loan: BufferPool.Loan) {
        (self.session, self.engine, self.gemm, self.loan) = (session, engine, gemm, loan)
    }

    /// Lays an operand out as the engine wants it. The first block is the largest.
    func prepare(_ block: PlacedBlock, _ side: Side, _ matrices: Int) throws(Problem) -> Prepared {
        guard case .own(let kernel) = engine else {
            try session.hold(for: block.ready)
            return Prepared(block: block, packed: nil)
        }
        let width = side == .a ? kernel.bm : kernel.bn
        let padded = (block.vectors + width - 1) / width * width
        let depth = kernel.depth(block.depth)
        let buffer = if let buffer = buffers[side] { buffer } else { try loan.take(padded * depth * kernel.packedBytes * matrices) }
        buffers[side] = buffer
        let function = try session.programs.function("pack", of: kernel.program(input: gemm.inputDType))
        let square = 16
        let packed = try session.call(
            function,
            [
                .buffer(block.buffer), .long(block.offset), .long(block.vectorStride), .long(block.depthStride), .long(block.matrixStride),
                .int(block.vectors), .int(block.depth), .buffer(buffer), .int(width), .int(padded), .int(depth),
            ],
            global: [(padded + square - 1) / square * square, (depth + square - 1) / square * square, matrices], local: [square, square, 1], after: block.ready)
        let laid = PlacedBlock(
            buffer: buffer, offset: 0, vectorStride: 0, depthStride: 0, matrixStride: 0, vectors: block.vectors, depth: depth, ready: [])
        return Prepared(block: laid, packed: packed)
    }

    func multiply(_ a: Prepared, _ b: Prepared, into c: ProductTarget.Place, _ matrices: Int) throws(Problem) -> Event {
        switch engine {
        case .own(let kernel):
            let function = try session.programs.function("multiply", of: kernel.program(input: gemm.inputDType))
            return try session.call(
                function,
                [
                    .buffer(a.block.buffer), .buffer(b.block.buffer), .buffer(c.buffer), .int(c.rows), .int(c.columns), .int(a.block.depth),
                    .long(c.offset), .long(c.stride), .long(c.matrixStride), .int(matrices),
                ],
                global: kernel.global(rows: c.rows, columns: c.columns, matrices: matrices), local: kernel.local)
        case .clblast(let library):
            return try library.multiply(
                session, isDouble: gemm.inputDType == .f64, transposeA: gemm.transposeA, transposeB: gemm.transposeB, m: c.rows, n: c.columns, k: gemm.k,
                matrices: matrices, operand(a.block, isAlong: !gemm.transposeA), operand(b.block, isAlong: gemm.transposeB),
                CLBlastLibrary.Operand(buffer: c.buffer, offset: c.offset, leading: c.stride, stride: c.matrixStride))
        }
    }

    private func operand(_ block: PlacedBlock, isAlong: Bool) -> CLBlastLibrary.Operand {
        CLBlastLibrary.Operand(
            buffer: block.buffer, offset: block.offset, leading: isAlong ? block.vectorStride : block.depthStride, stride: block.matrixStride)
    }
}
