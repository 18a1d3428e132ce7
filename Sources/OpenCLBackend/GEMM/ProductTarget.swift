import Kernels
import Wire

/// Where blocks of C are made: in the tensor itself, or in one of two buffers from which they come back.
///
/// Lives for one run, during which the tensor's memory stays where it is.
@safe final class ProductTarget {
    let isCopied: Bool
    private let session: DeviceSession
    private let staging: Staging
    private let loan: BufferPool.Loan
    private let gemm: GEMM
    private let base: UnsafeMutableRawPointer?
    private let whole: DeviceBuffer?
    private var slots: [DeviceBuffer] = []
    private var turn = 1
    private var next: HostRectangle?
    /// The block that is being computed, or waits to be taken back.
    private var pending: (event: Event, block: HostRectangle?, slot: Int)?

    init(_ session: DeviceSession, _ staging: Staging, _ loan: BufferPool.Loan, _ gemm: GEMM, _ raw: UnsafeMutableRawBufferPointer) {
        (self.session, self.staging, self.loan, self.gemm) = (session, staging, loan, gemm)
        unsafe base = raw.baseAddress
        whole = session.isShared && raw.count <= session.pool.largest ? try? unsafe session.wrap(UnsafeRawBufferPointer(raw)) : nil
        isCopied = whole == nil
    }

    /// A block of C on the device; offset, distance of rows and of matrices in elements.
    struct Place {
        let buffer: DeviceBuffer
        let offset: Int
        let stride: Int
        let matrixStride: Int
        let rows: Int
        let columns: Int
    }

    func place(_ rows: Range<Int>, _ columns: Range<Int>, _ matrices: Range<Int>) throws(Problem) -> Place {
        let (m, n) = (gemm.m, gemm.n)
        let offset = (matrices.lowerBound * m + rows.lowerBound) * n + columns.lowerBound
        if let whole {
            return Place(buffer: whole, offset: offset, stride: n, matrixStride: m * n, rows: rows.count, columns: columns.count)
        }
        let size = gemm.outputDType.byteCount
        let isWhole = columns.count == n && rows.count == m
        // Several matrices come only whole.
        let block =
            isWhole || matrices.count > 1
            ? HostRectangle.run(offset * size, matrices.count * rows.count * columns.count * size)
            : HostRectangle(offset: offset * size, rowBytes: columns.count * size, rows: rows.count, stride: n * size)
        if slots.count < 2 { slots.append(try loan.take(block.byteCount)) }
        turn = slots.count == 1 ? 0 : 1 - turn
        next = block
        return Place(
            buffer: slots[turn], offset: 0, stride: columns.count, matrixStride: rows.count * columns.count, rows: rows.count, columns: columns.count)
    }

    /// The block that was placed last is done with `event`; the one before it is waited for and taken back.
    func follow(_ event: Event) throws(Problem) {
        try collect()
        pending = (event, next, turn)
    }

    /// Takes the last block back and makes C whole.
    func finish() throws(Problem) {
        try collect()
        if let whole { try session.publish(whole) }
    }

    private func collect() throws(Problem) {
        guard let last = pending else { return }
        pending = nil
        guard let block = last.block, let base = unsafe base else { return try session.wait(last.event) }
        try unsafe staging.fetch(block, from: slots[last.slot], to: base, after: [last.event])
    }
}
