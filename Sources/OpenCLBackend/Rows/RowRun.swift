import Kernels
import Wire

/// Softmax or layer normalisation of some rows at a time on one device. Tensors are already checked, and there is at least one row.
struct RowRun {
    private static let panel = 256
    /// Elements at a time: a few milliseconds of transfer, between which a run can be stopped.
    private static let stretch = 4 << 20

    let session: DeviceSession
    let staging: Staging
    let work: RowWork
    let control: RunControl

    /// Panels of a row.
    private static func panels(_ work: RowWork) -> Int { (work.columns + panel - 1) / panel }

    /// Rows at a time under a cap.
    ///
    /// - Throws: `memory_limit` if not even one fits.
    static func rows(_ work: RowWork, cap: Int, largest: Int) throws(Problem) -> Int {
        let size = work.dtype.byteCount
        // Input and output twice, panels and both rows' numbers; gamma, beta; all in whole pieces.
        let perRow = size * (4 * work.columns + panels(work) + 2)
        let fixed = 2 * BufferPool.rounded(work.columns * size) + 8 * BufferPool.grain
        let fitting = min((cap - fixed) / perRow, largest / (work.columns * size))
        guard fitting > 0 else { throw Problem(.memoryLimit, "a row of \(work.columns) is over the device's \(cap) bytes") }
        return min(max(work.rows, 1), fitting, max(1, stretch / work.columns))
    }

    /// What a run keeps on the device.
    private struct Buffers {
        let inputs: [DeviceBuffer]
        let outputs: [DeviceBuffer]
        let panels: DeviceBuffer
        let firsts: DeviceBuffer
        let seconds: DeviceBuffer
        let gamma: DeviceBuffer
        let beta: DeviceBuffer
    }

    /// - Throws: `canceled`, `memory_limit`, `backend_unavailable`.
    func run(_ x: Tensor, _ gamma: Tensor?, _ beta: Tensor?, into y: Tensor) throws(Problem) {
        try unsafe x.buffer.withUnsafeBytes { x throws(Problem) in
            try unsafe y.buffer.withUnsafeMutableBytes { y throws(Problem) in
                guard let x = x.baseAddress, let y = y.baseAddress else { return }
                // Nothing may still run on lent memory once this is left.
                defer { session.settle() }
                try session.pool.lend { loan throws(Problem) in try unsafe run(x, gamma, beta, y, loan) }
            }
        }
    }

    private func run(
        _ x: UnsafeRawPointer, _ gamma: Tensor?, _ beta: Tensor?, _ y: UnsafeMutableRawPointer, _ loan: BufferPool.Loan
    ) throws(Problem) {
        let size = work.dtype.byteCount
        let block = try Self.rows(work, cap: session.pool.cap, largest: session.pool.largest)
        let bytes = block * work.columns * size
        let inputs = [try loan.take(bytes), try loan.take(bytes)]
        let buffers = Buffers(
            inputs: inputs, outputs: [try loan.take(bytes), try loan.take(bytes)], panels: try loan.take(block * Self.panels(work) * size),
            firsts: try loan.take(block * size), seconds: try loan.take(block * size), gamma: try parameter(gamma, loan) ?? inputs[0],
            beta: try parameter(beta, loan) ?? inputs[0])
        var pending: (event: Event, slot: Int, place: HostRectangle)?
        var busy: [Event?] = [nil, nil]
        for (turn, first) in stride(from: 0, to: work.rows, by: block).enumerated() {
            let (slot, rows) = (turn % 2, min(block, work.rows - first))
            let place = HostRectangle.run(first * work.columns * size, rows * work.columns * size)
            let arrived = try unsafe staging.send(place, from: x, to: inputs[slot], after: busy[slot].map { [$0] } ?? [])
            let event = try calls(buffers, slot, rows, after: arrived.map { [$0] } ?? [])
            busy[slot] = event
            try session.flush(session.compute)
            if let last = pending { try unsafe staging.fetch(last.place, from: buffers.outputs[last.slot], to: y, after: [last.event]) }
            pending = (event, slot, place)
            try control.step(Double(first + rows) / Double(work.rows) * 0.999)
        }
        if let last = pending { try unsafe staging.fetch(last.place, from: buffers.outputs[last.slot], to: y, after: [last.event]) }
    }

    /// The five calls for one block; the queue keeps their order.
    private func calls(_ buffers: Buffers, _ slot: Int, _ rows: Int, after events: [Event]) throws(Problem) -> Event {
        let (x, y) = (Argument.buffer(buffers.inputs[slot]), Argument.buffer(buffers.outputs[slot]))
        let (panels, firsts, seconds) = (Argument.buffer(buffers.panels), Argument.buffer(buffers.firsts), Argument.buffer(buffers.seconds))
        let (columns, per) = (Argument.long(work.columns), Argument.long(Self.panels(work)))
        let (pieces, elements) = (rows * Self.panels(work), rows * work.columns)
        _ = try call("panels_1", [x, panels, columns, per, .long(pieces)], pieces, after: events)
        _ = try call("rows_1", [panels, firsts, columns, per, .long(rows)], rows)
        _ = try call("panels_2", [x, panels, firsts, columns, per, .long(pieces)], pieces)
        _ = try call("rows_2", [panels, seconds, columns, per, .long(rows), .long(epsilonBits)], rows)
        return try call(
            "map", [x, y, firsts, seconds, .buffer(buffers.gamma), .buffer(buffers.beta), columns, .long(elements)], elements)
    }

    private func call(_ name: String, _ arguments: [Argument], _ items: Int, after events: [Event] = []) throws(Problem) -> Event {
        let function = try session.programs.function(name, of: RowSource.program(work))
        return try session.call(function, arguments, global: [(items + 63) / 64 * 64], local: [64], after: events)
    }

    private func parameter(_ tensor: Tensor?, _ loan: BufferPool.Loan) throws(Problem) -> DeviceBuffer? {
        guard let tensor else { return nil }
        let bytes = work.columns * work.dtype.byteCount
        let buffer = try loan.take(bytes)
        let arrived = try unsafe tensor.buffer.withUnsafeBytes { raw throws(Problem) -> Event? in
            guard let base = raw.baseAddress else { return nil }
            return try unsafe staging.send(.run(0, bytes), from: base, to: buffer, after: [])
        }
        try session.hold(for: arrived.map { [$0] } ?? [])
        return buffer
    }

    /// ε in the tensor's format; a non-negative number's bits are a non-negative integer.
    private var epsilonBits: Int {
        guard case .layerNorm(let epsilon, _, _) = work.kind else { return 0 }
        return work.dtype == .f64 ? Int(epsilon.bitPattern) : Int(Float(epsilon).bitPattern)
    }
}
