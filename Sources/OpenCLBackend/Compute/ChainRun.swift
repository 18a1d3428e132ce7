import Kernels
import Wire

/// One chain on one device, stretch by stretch. Tensors are already checked against it, and there is at least one element.
struct ChainRun {
    static let panel = 256
    /// Elements at a time: a few milliseconds of transfer, between which a run can be stopped.
    private static let stretch = 4 << 20

    let session: DeviceSession
    let staging: Staging
    let chain: ComputeChain
    /// Those of the chain, in its order.
    let operands: [Tensor]
    let control: RunControl

    /// - Parameter out: the output's elements, or the accumulators of all panels where the chain reduces.
    /// - Throws: `canceled`, `memory_limit`, `backend_unavailable`.
    func run(_ source: ProgramSource, _ x: UnsafeRawBufferPointer, into out: UnsafeMutableRawPointer) throws(Problem) {
        guard let base = x.baseAddress else { return }
        let size = chain.dtype.byteCount
        // Inputs and output of two stretches at a time, beside the operands that repeat; whole panels.
        let whole = chain.operandCounts.filter { $0 != chain.count }.reduce(0) { $0 + $1 * size + BufferPool.grain }
        let buffers = 4 + 2 * chain.operandCounts.count { $0 == chain.count }
        let fitting = min((session.pool.cap - whole) / buffers, session.pool.largest) / size / Self.panel * Self.panel - BufferPool.grain
        let stretch = min(Self.stretch, fitting / Self.panel * Self.panel)
        guard stretch > 0 else { throw Problem(.memoryLimit, "not even a few panels fit into the device's \(session.pool.cap) bytes") }
        let function = try session.programs.function(chain.reduction == nil ? "map" : "reduce", of: source)
        defer { session.settle() }
        try session.pool.lend { loan throws(Problem) in
            let length = min(stretch, chain.count)
            var slots: [Slot] = []
            for _ in 0..<(length < chain.count ? 2 : 1) {
                var slot = Slot(input: try loan.take(length * size), output: try loan.take(results(length) * size), operands: [])
                for (index, count) in chain.operandCounts.enumerated() {
                    if count != chain.count, let first = slots.first {
                        slot.operands.append(first.operands[index])
                    } else {
                        slot.operands.append(try loan.take((count == chain.count ? length : count) * size))
                    }
                }
                slots.append(slot)
            }
            var repeating: [Event] = []
            for (index, count) in chain.operandCounts.enumerated() where count != chain.count {
                repeating += try send(operands[index], .run(0, count * size), to: slots[0].operands[index], after: [])
            }
            var pending: (event: Event, slot: Int, start: Int, count: Int)?
            var busy: [Event?] = [nil, nil]
            for (turn, start) in stride(from: 0, to: chain.count, by: stretch).enumerated() {
                let (slot, count) = (turn % 2, min(stretch, chain.count - start))
                let free = busy[slot].map { [$0] } ?? []
                var arrived = try unsafe staging.send(.run(start * size, count * size), from: base, to: slots[slot].input, after: free).map { [$0] } ?? []
                for (index, elements) in chain.operandCounts.enumerated() where elements == chain.count {
                    arrived += try send(operands[index], .run(start * size, count * size), to: slots[slot].operands[index], after: free)
                }
                if turn == 0 { arrived += repeating }
                let items = results(count)
                let event = try session.call(
                    function, [.buffer(slots[slot].input), .buffer(slots[slot].output), .long(count), .long(start)] + slots[slot].operands.map { .buffer($0) },
                    global: [(items + 63) / 64 * 64], local: [64], after: arrived)
                busy[slot] = event
                try session.flush(session.compute)
                if let last = pending { try unsafe collect(last, slots[last.slot].output, out) }
                pending = (event, slot, start, count)
                try control.step(Double(start) / Double(chain.count))
            }
            if let last = pending { try unsafe collect(last, slots[last.slot].output, out) }
        }
    }

    /// A stretch's buffers. Those of operands that repeat are the same in every slot.
    private struct Slot {
        let input: DeviceBuffer
        let output: DeviceBuffer
        var operands: [DeviceBuffer]
    }

    private func send(_ operand: Tensor, _ block: HostRectangle, to buffer: DeviceBuffer, after events: [Event]) throws(Problem) -> [Event] {
        try unsafe operand.buffer.withUnsafeBytes { bytes throws(Problem) in
            guard let base = bytes.baseAddress, let event = try unsafe staging.send(block, from: base, to: buffer, after: events) else { return [] }
            return [event]
        }
    }

    /// Elements that so many give: themselves, or their panels.
    private func results(_ count: Int) -> Int { chain.reduction == nil ? count : (count + Self.panel - 1) / Self.panel }

    private func collect(_ part: (event: Event, slot: Int, start: Int, count: Int), _ buffer: DeviceBuffer, _ out: UnsafeMutableRawPointer) throws(Problem) {
        let size = chain.dtype.byteCount
        let first = chain.reduction == nil ? part.start : part.start / Self.panel
        try unsafe staging.fetch(.run(first * size, results(part.count) * size), from: buffer, to: out, after: [part.event])
    }
}
