import Kernels
import Wire

/// How attention is cut into blocks that fit a device: so many heads at a time, or so many queries of one. A head's keys and values are
/// there as a whole.
struct AttentionPlan: Equatable {
    let heads: Int
    /// Of one head; fewer than all only with one head.
    let queries: Int

    /// - Throws: `memory_limit` if not even a tile of one head fits.
    static func make(_ attention: Attention, cap: Int, largest: Int, operations: Double) throws(Problem) -> AttentionPlan {
        let perHead = max(Double(attention.operations) / Double(max(attention.headCount, 1)), 1)
        var heads = max(1, Int(min(operations / perHead, Double(attention.headCount))))
        var queries = attention.queries
        if perHead > 2 * operations { queries = max(min(AttentionProgram.queries, queries), tiles(Int(Double(queries) * operations / perHead))) }
        while true {
            let (q, kv) = (heads * queries * attention.dimension, heads * attention.keys * attention.dimension)
            let size = attention.inputDType.byteCount
            let pieces = [q * size, kv * size, kv * size, q * 4].flatMap { [$0, $0] }
            if pieces.allSatisfy({ $0 <= largest }), pieces.reduce(0, { $0 + BufferPool.rounded($1) }) <= cap {
                return AttentionPlan(heads: heads, queries: queries)
            }
            if heads > 1 {
                heads = (heads + 1) / 2
            } else if queries > AttentionProgram.queries {
                queries = max(AttentionProgram.queries, tiles(queries / 2))
            } else {
                throw Problem(.memoryLimit, "a head of attention is over the device's \(cap) bytes")
            }
        }
    }

    private static func tiles(_ queries: Int) -> Int { queries / AttentionProgram.queries * AttentionProgram.queries }
}

/// Attention on one device. Tensors are already checked against it, and there is at least one row.
struct AttentionRun {
    let session: DeviceSession
    let staging: Staging
    let attention: Attention
    let control: RunControl
    /// Operations between two looks at whether the run is still wanted.
    let operationsPerBlock: Double

    /// - Throws: `canceled`, `memory_limit`, `backend_unavailable`.
    func run(_ q: Tensor, _ k: Tensor, _ v: Tensor, into o: Tensor) throws(Problem) {
        try unsafe q.buffer.withUnsafeBytes { q throws(Problem) in
            try unsafe k.buffer.withUnsafeBytes { k throws(Problem) in
                try unsafe v.buffer.withUnsafeBytes { v throws(Problem) in
                    try unsafe o.buffer.withUnsafeMutableBytes { o throws(Problem) in
                        guard let q = q.baseAddress, let k = k.baseAddress, let v = v.baseAddress, let o = o.baseAddress else { return }
                        // Nothing may still run on lent memory once this is left.
                        defer { session.settle() }
                        try session.pool.lend { loan throws(Problem) in try unsafe run(q, k, v, o, loan) }
                    }
                }
            }
        }
    }

    private func run(
        _ q: UnsafeRawPointer, _ k: UnsafeRawPointer, _ v: UnsafeRawPointer, _ o: UnsafeMutableRawPointer, _ loan: BufferPool.Loan
    ) throws(Problem) {
        let (d, size) = (attention.dimension, attention.inputDType.byteCount)
        let plan = try AttentionPlan.make(attention, cap: session.pool.cap, largest: session.pool.largest, operations: operationsPerBlock)
        let (rows, seen) = (plan.heads * plan.queries * d, plan.heads * attention.keys * d * size)
        let slots = [0, 1]
        let queries = try slots.map { _ throws(Problem) in try loan.take(rows * size) }
        let keys = try slots.map { _ throws(Problem) in try loan.take(seen) }
        let values = try slots.map { _ throws(Problem) in try loan.take(seen) }
        let outputs = try slots.map { _ throws(Problem) in try loan.take(rows * attention.outputDType.byteCount) }
        let function = try session.programs.function("attend", of: AttentionProgram.program(attention))
        var pending: (event: Event, slot: Int, block: HostRectangle)?
        var busy: [(queries: Event?, keys: Event?)] = [(nil, nil), (nil, nil)]
        var turn = 0
        for (round, head) in stride(from: 0, to: attention.headCount, by: plan.heads).enumerated() {
            let (slot, heads) = (round % 2, min(plan.heads, attention.headCount - head))
            let keysBlock = HostRectangle.run(head * attention.keys * d * size, heads * attention.keys * d * size)
            let free = busy[slot].keys.map { [$0] } ?? []
            var arrived: [Event] = []
            if let event = try unsafe staging.send(keysBlock, from: k, to: keys[slot], after: free) { arrived.append(event) }
            if let event = try unsafe staging.send(keysBlock, from: v, to: values[slot], after: free) { arrived.append(event) }
            for first in stride(from: 0, to: attention.queries, by: plan.queries) {
                let count = min(plan.queries, attention.queries - first)
                let (start, elements) = ((head * attention.queries + first) * d, heads * count * d)
                let sent = try unsafe staging.send(
                    .run(start * size, elements * size), from: q, to: queries[turn], after: busy[turn].queries.map { [$0] } ?? [])
                let event = try session.call(
                    function,
                    [
                        .buffer(queries[turn]), .buffer(keys[slot]), .buffer(values[slot]), .buffer(outputs[turn]), .int(count), .int(attention.keys),
                        .int(d), .int(Int(Float(attention.scale).bitPattern)), .int(first), .int(attention.isCausal ? 1 : 0),
                    ], global: global(count, heads), local: [16, 16, 1], after: arrived + (sent.map { [$0] } ?? []))
                (busy[slot].keys, busy[turn].queries) = (event, event)
                try session.flush(session.compute)
                // The block before this one comes back while this one is computed.
                if let last = pending { try unsafe staging.fetch(last.block, from: outputs[last.slot], to: o, after: [last.event]) }
                pending = (event, turn, .run(start * 4, elements * 4))
                turn = 1 - turn
                let share = Double(first + count) / Double(attention.queries) * Double(heads)
                try control.step((Double(head) + share) / Double(attention.headCount) * 0.999)
            }
        }
        if let last = pending { try unsafe staging.fetch(last.block, from: outputs[last.slot], to: o, after: [last.event]) }
    }

    private func global(_ queries: Int, _ heads: Int) -> [Int] {
        let width = AttentionProgram.width(attention)
        return [
            (queries + AttentionProgram.queries - 1) / AttentionProgram.queries * 16, (attention.dimension + width - 1) / width * 16, heads,
        ]
    }
}
