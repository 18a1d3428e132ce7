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
    let control: RunControl

    /// - Parameter out: the output's elements, or the accumulators of all panels where the chain reduces.
    /// - Throws: `canceled`, `memory_limit`, `backend_unavailable`.
    func run(_ source: ProgramSource, _ x: UnsafeRawBufferPointer, into out: UnsafeMutableRawPointer) throws(Problem) {
        guard let base = x.baseAddress else { return }
        let size = chain.dtype.byteCount
        // Input and output of two stretches at a time; whole panels.
        let fitting = min(session.pool.cap / 4, session.pool.largest) / size / Self.panel * Self.panel - BufferPool.grain
        let stretch = min(Self.stretch, fitting / Self.panel * Self.panel)
        guard stretch > 0 else { throw Problem(.memoryLimit, "not even a few panels fit into the device's \(session.pool.cap) bytes") }
        let function = try session.programs.function(chain.reduction == nil ? "map" : "reduce", of: source)
        defer { session.settle() }
        try session.pool.lend { loan throws(Problem) in
            let length = min(stretch, chain.count)
            var slots: [(input: DeviceBuffer, output: DeviceBuffer)] = []
            for _ in 0..<(length < chain.count ? 2 : 1) { slots.append((try loan.take(length * size), try loan.take(results(length) * size))) }
            var pending: (event: Event, slot: Int, start: Int, count: Int)?
            var busy: [Event?] = [nil, nil]
            for (turn, start) in stride(from: 0, to: chain.count, by: stretch).enumerated() {
                let (slot, count) = (turn % 2, min(stretch, chain.count - start))
                let arrived = try unsafe staging.send(
                    .run(start * size, count * size), from: base, to: slots[slot].input, after: busy[slot].map { [$0] } ?? [])
                let items = results(count)
                let event = try session.call(
                    function, [.buffer(slots[slot].input), .buffer(slots[slot].output), .long(count)], global: [(items + 63) / 64 * 64], local: [64],
                    after: arrived.map { [$0] } ?? [])
                busy[slot] = event
                try session.flush(session.compute)
                if let last = pending { try unsafe collect(last, slots[last.slot].output, out) }
                pending = (event, slot, start, count)
                try control.step(Double(start) / Double(chain.count))
            }
            if let last = pending { try unsafe collect(last, slots[last.slot].output, out) }
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
