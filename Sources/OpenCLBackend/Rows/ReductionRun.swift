import Kernels
import Wire

/// A reduction along axes on one device: an item for each panel of 256 of each cell, and one that joins a cell's panels.
struct ReductionRun {
    let session: DeviceSession
    let staging: Staging
    let reduction: Reduction
    let control: RunControl

    private static let panel = 256
    /// Sizes and strides of kept and of reduced axes, two numbers each.
    private static let layoutBytes = 8 * 4 * TensorDescriptor.maximumRank

    private static func panels(_ reduction: Reduction) -> Int { (reduction.reducedCount + panel - 1) / panel }

    /// Whether the tensor, its panels and the output fit as a whole: axes in any order don't go by blocks.
    static func fits(_ reduction: Reduction, cap: Int, largest: Int) -> Bool {
        let size = Double(reduction.dtype.byteCount)
        let (cells, grain) = (Double(reduction.outputCount), Double(BufferPool.grain))
        let pieces = [Double(reduction.operations), cells * Double(panels(reduction)), cells].map { $0 * size + grain } + [Double(layoutBytes) + grain]
        return pieces.allSatisfy { $0 <= Double(largest) } && pieces.reduce(0, +) <= Double(cap)
    }

    /// nil if the reduction isn't known here.
    static func program(_ reduction: Reduction) -> ProgramSource? {
        guard let (start, join) = ChainSource.reductions[reduction.step.rawValue] else { return nil }
        let isDouble = reduction.dtype == .f64
        let text =
            ElementarySource.prologue(isDouble) + "#define START \(start)\nstatic T join(T acc, T x) { return \(join); }\n"
            + "#define FINISH(acc) (\(reduction.step.rawValue == "mean" ? "(acc) / (T)count" : "acc"))\n"
        return ProgramSource(text + kernels, defines: [:], flags: isDouble ? [] : ["-cl-fp32-correctly-rounded-divide-sqrt"])
    }

    private static let kernels = """
        // Where place `index`, in row-major order of n axes, lies: sizes and strides from the outermost on.
        static long place(long index, global const long *axes, int n) {
            if (n == 1) return index * axes[1];
            long offset = 0;
            for (int i = n - 1; i >= 0; i--) {
                offset += index % axes[2 * i] * axes[2 * i + 1];
                index /= axes[2 * i];
            }
            return offset;
        }

        kernel void panels(global const T *x, global T *panels, global const long *axes, int kept, int reduced, long cells, long count, long items) {
            const long id = get_global_id(0);
            if (id >= items) return;
            const long base = place(id % cells, axes, kept), first = id / cells * 256, end = min(first + 256, count);
            T acc = START;
            for (long i = first; i < end; i++) acc = join(acc, x[base + place(i, axes + 2 * kept, reduced)]);
            panels[id] = acc;
        }

        kernel void cells(global const T *panels, global T *y, long cells, long count, long per) {
            const long cell = get_global_id(0);
            if (cell >= cells) return;
            T acc = per == 0 ? START : panels[cell];
            for (long p = 1; p < per; p++) acc = join(acc, panels[p * cells + cell]);
            const T value = FINISH(acc);
            y[cell] = CANONICAL(value);
        }
        """

    /// - Throws: `canceled`, `memory_limit`, `backend_unavailable`; `unsupported_dtype` for a reduction that isn't known here.
    func run(_ x: Tensor, into y: Tensor) throws(Problem) {
        guard let source = Self.program(reduction) else { throw Problem(.unsupportedDtype, "OpenCL has no \(reduction.step.rawValue)") }
        try unsafe x.buffer.withUnsafeBytes { x throws(Problem) in
            try unsafe y.buffer.withUnsafeMutableBytes { y throws(Problem) in
                guard let y = y.baseAddress else { return }
                defer { session.settle() }
                try session.pool.lend { loan throws(Problem) in try unsafe run(source, x, y, loan) }
            }
        }
    }

    private func run(
        _ source: ProgramSource, _ x: UnsafeRawBufferPointer, _ y: UnsafeMutableRawPointer, _ loan: BufferPool.Loan
    ) throws(Problem) {
        let size = reduction.dtype.byteCount
        let (cells, per) = (reduction.outputCount, Self.panels(reduction))
        let panels = try loan.take(cells * per * size)
        let out = try loan.take(cells * size)
        if per > 0, let base = x.baseAddress {
            let input = try loan.take(x.count)
            var arrived: [Event] = []
            if let event = try unsafe staging.send(.run(0, x.count), from: base, to: input, after: []) { arrived.append(event) }
            let (kept, reduced) = (Self.merged(reduction.keptDimensions), Self.merged(reduction.reducedDimensions))
            let axes = try loan.take(Self.layoutBytes)
            let numbers = (kept + reduced).flatMap { [Int64($0.size), Int64($0.stride)] }
            let sent: Result<Event?, Problem> = unsafe numbers.withUnsafeBytes { raw in
                guard let base = raw.baseAddress else { return .success(nil) }
                do throws(Problem) {
                    return .success(try unsafe staging.send(.run(0, raw.count), from: base, to: axes, after: []))
                } catch {
                    return .failure(error)
                }
            }
            if let event = try sent.get() { arrived.append(event) }
            try control.step(0.5)
            let function = try session.programs.function("panels", of: source)
            _ = try session.call(
                function,
                [
                    .buffer(input), .buffer(panels), .buffer(axes), .int(kept.count), .int(reduced.count), .long(cells), .long(reduction.reducedCount),
                    .long(cells * per),
                ], global: [(cells * per + 63) / 64 * 64], local: [64], after: arrived)
        }
        let join = try session.programs.function("cells", of: source)
        let event = try session.call(
            join, [.buffer(panels), .buffer(out), .long(cells), .long(reduction.reducedCount), .long(per)], global: [(cells + 63) / 64 * 64], local: [64])
        try session.flush(session.compute)
        try unsafe staging.fetch(.run(0, cells * size), from: out, to: y, after: [event])
    }

    /// Neighbours that lie as one axis, as one; at least one axis.
    private static func merged(_ dimensions: [(size: Int, stride: Int)]) -> [(size: Int, stride: Int)] {
        var result: [(size: Int, stride: Int)] = []
        for (size, stride) in dimensions where size != 1 {
            if let last = result.last, last.stride == size * stride {
                result[result.count - 1] = (last.size * size, stride)
            } else {
                result.append((size, stride))
            }
        }
        return result.isEmpty ? [(1, 0)] : result
    }
}
