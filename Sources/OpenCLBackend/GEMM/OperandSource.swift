import Kernels
import Wire

/// Blocks of one operand on the device: windows into the tensor itself, or copies in one of a few buffers that take turns.
///
/// Lives for one run, during which the tensor's memory stays where it is.
@safe final class OperandSource {
    let isCopied: Bool
    private let session: DeviceSession
    private let staging: Staging
    private let loan: BufferPool.Loan
    private let layout: OperandLayout
    private let base: UnsafeRawPointer?
    private let whole: DeviceBuffer?
    private let slotCount: Int
    private var slots: [(buffer: DeviceBuffer, busy: Event?)] = []
    private var turn = -1

    init(
        _ session: DeviceSession, _ staging: Staging, _ loan: BufferPool.Loan, _ layout: OperandLayout, _ raw: UnsafeRawBufferPointer, slots: Int
    ) {
        (self.session, self.staging, self.loan, self.layout, slotCount) = (session, staging, loan, layout, slots)
        unsafe base = raw.baseAddress
        // A driver that refuses the memory gets a copy.
        whole = session.isShared && raw.count <= session.pool.largest ? try? unsafe session.wrap(raw) : nil
        isCopied = whole == nil
    }

    /// Some vectors of some matrices; the first block is the largest.
    func block(_ range: Range<Int>, _ matrices: Range<Int>) throws(Problem) -> PlacedBlock {
        if let whole { return layout.placed(whole, range, matrices: matrices, isWhole: true, ready: []) }
        guard let base = unsafe base else { throw Problem(.internalError, "an operand without memory") }
        let rectangle = layout.rectangle(range, matrices: matrices)
        if slots.count < slotCount { slots.append((try loan.take(rectangle.byteCount), nil)) }
        turn = (turn + 1) % slotCount
        let arrived = try unsafe staging.send(rectangle, from: base, to: slots[turn].buffer, after: slots[turn].busy.map { [$0] } ?? [])
        return layout.placed(slots[turn].buffer, range, matrices: matrices, isWhole: false, ready: arrived.map { [$0] } ?? [])
    }

    /// The last block is in use until `event`; its buffer is free for another then.
    func used(until event: Event) { if turn >= 0 { slots[turn].busy = event } }
}
