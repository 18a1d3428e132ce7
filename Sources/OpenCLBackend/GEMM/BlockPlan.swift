import Kernels
import Wire

/// How a product is cut into blocks that fit a device: so many rows and columns of C at a time, or whole matrices of a batch.
struct BlockPlan: Equatable {
    let rows: Int
    let columns: Int
    /// Matrices at a time; more than one only where rows and columns are whole.
    let matrices: Int

    /// What a block takes on the device for one way of computing.
    struct Costs {
        /// Packed operands; nil where the library takes them as they are.
        let kernel: Microkernel?
        /// Whether operands and C have to be copied to the device, which then has two of A's and C's blocks at a time.
        let isCopied: Bool
    }

    private static let smallest = 64

    /// - Parameters:
    ///   - cap: bytes for all buffers together; `largest`: for one.
    ///   - operations: how many a block should have at most, so that a run can be stopped between two.
    /// - Throws: `memory_limit` if not even a small block fits.
    static func make(_ gemm: GEMM, _ costs: Costs, cap: Int, largest: Int, operations: Double) throws(Problem) -> BlockPlan {
        var plan = BlockPlan(rows: gemm.m, columns: gemm.n, matrices: gemm.count)
        while !plan.fits(gemm, costs, cap, largest) {
            let next = plan.smaller()
            guard next != plan else {
                throw Problem(.memoryLimit, "a block of \(plan.rows) x \(plan.columns) x \(gemm.k) is over the device's \(cap) bytes")
            }
            plan = next
        }
        let perRow = 2 * Double(plan.columns) * Double(gemm.k)
        if plan.matrices > 1 {
            let some = Int(min(max(1, operations / max(perRow * Double(gemm.m), 1)), Double(plan.matrices)))
            plan = BlockPlan(rows: plan.rows, columns: plan.columns, matrices: some)
        }
        if plan.matrices == 1, gemm.m > Self.smallest {
            var rows = Int(min(max(Double(Self.smallest), operations / max(perRow, 1)), Double(plan.rows)))
            // Large copies travel while the block before them is computed.
            if costs.isCopied, gemm.m >= 2048 { rows = min(rows, (gemm.m + 3) / 4) }
            // Blocks of about the same height, in whole tiles.
            let count = (gemm.m + rows - 1) / rows
            let even = (gemm.m + count - 1) / count
            let multiple = costs.kernel?.bm ?? Self.smallest
            plan = BlockPlan(rows: min(plan.rows, (even + multiple - 1) / multiple * multiple), columns: plan.columns, matrices: 1)
        }
        return plan
    }

    private func smaller() -> BlockPlan {
        if matrices > 1 { return BlockPlan(rows: rows, columns: columns, matrices: (matrices + 1) / 2) }
        if rows > Self.smallest, rows >= columns { return BlockPlan(rows: max(Self.smallest, (rows + 1) / 2), columns: columns, matrices: 1) }
        if columns > Self.smallest { return BlockPlan(rows: rows, columns: max(Self.smallest, (columns + 1) / 2), matrices: 1) }
        if rows > Self.smallest { return BlockPlan(rows: max(Self.smallest, (rows + 1) / 2), columns: columns, matrices: 1) }
        return self
    }

    private func fits(_ gemm: GEMM, _ costs: Costs, _ cap: Int, _ largest: Int) -> Bool {
        let pieces = bytes(gemm, costs)
        guard pieces.allSatisfy({ $0.bytes <= Double(largest) }) else { return false }
        return pieces.reduce(0) { $0 + $1.bytes * Double($1.count) } <= Double(cap)
    }

    /// In binary64: a bound is all that is asked, and nothing can overflow.
    private func bytes(_ gemm: GEMM, _ costs: Costs) -> [(bytes: Double, count: Int)] {
        let (m, n, k, z) = (Double(rows), Double(columns), Double(gemm.k), Double(matrices))
        let (input, output) = (Double(gemm.inputDType.byteCount), Double(gemm.outputDType.byteCount))
        let grain = Double(BufferPool.grain)
        var pieces: [(bytes: Double, count: Int)] = []
        if let kernel = costs.kernel {
            let depth = Double(kernel.depth(gemm.k)) * Double(kernel.packedBytes)
            pieces.append((((m / Double(kernel.bm)).rounded(.up) * Double(kernel.bm) * depth * z) + grain, 1))
            pieces.append((((n / Double(kernel.bn)).rounded(.up) * Double(kernel.bn) * depth * z) + grain, 1))
        }
        if costs.isCopied { pieces += [(m * k * z * input + grain, 2), (n * k * z * input + grain, 1), (m * n * z * output + grain, 2)] }
        return pieces
    }
}
