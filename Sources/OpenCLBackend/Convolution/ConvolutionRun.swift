import Kernels
import Wire

/// One convolution on one device. Each group of each image is a product of the weights with the image's windows, which are laid out on the
/// device by the kernel that reads the image: nothing is unfolded in the host's memory, and on the device only a block. Where a product
/// would be the wrong tool (`DirectConvolution`), cells are computed one by one.
///
/// Tensors are already checked against it. Images travel while others are computed; the caller's thread copies and waits.
struct ConvolutionRun {
    let session: DeviceSession
    let staging: Staging
    /// nil: without packing.
    let kernel: Microkernel?
    let convolution: Convolution
    let control: RunControl
    /// Operations between two looks at whether the run is still wanted.
    let operationsPerBlock: Double

    private var sizes: ConvolutionPlan.Sizes { ConvolutionPlan.Sizes(convolution: convolution, kernel: kernel) }

    /// - Throws: `canceled`, `memory_limit`, `backend_unavailable`.
    func run(_ x: Tensor, _ w: Tensor, into y: Tensor) throws(Problem) {
        try unsafe x.buffer.withUnsafeBytes { x throws(Problem) in
            try unsafe w.buffer.withUnsafeBytes { w throws(Problem) in
                try unsafe y.buffer.withUnsafeMutableBytes { y throws(Problem) in
                    guard let x = x.baseAddress, let w = w.baseAddress, let y = y.baseAddress else { return }
                    // Nothing may still run on lent memory once this is left.
                    defer { session.settle() }
                    try session.pool.lend { loan throws(Problem) in try unsafe run(x, w, y, loan) }
                }
            }
        }
    }

    private func run(_ x: UnsafeRawPointer, _ w: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ loan: BufferPool.Loan) throws(Problem) {
        let sizes = sizes
        let plan = try ConvolutionPlan.make(sizes, cap: session.pool.cap, largest: session.pool.largest, operations: operationsPerBlock)
        let weights = try unsafe weights(w, loan)
        let images = [try loan.take(plan.images * sizes.image), try loan.take(plan.images * sizes.image)]
        let packed = kernel == nil ? nil : try loan.take(sizes.packed(plan))
        let outputs = [try loan.take(sizes.output(plan)), try loan.take(sizes.output(plan))]
        var pending: (event: Event, slot: Int, block: HostRectangle)?
        var busy: [Event?] = [nil, nil]
        var turn = 0
        for (round, image) in stride(from: 0, to: convolution.batch, by: plan.images).enumerated() {
            let (slot, count) = (round % 2, min(plan.images, convolution.batch - image))
            let arrived = try unsafe staging.send(
                .run(image * sizes.image, count * sizes.image), from: x, to: images[slot], after: busy[slot].map { [$0] } ?? [])
            for first in stride(from: 0, to: convolution.positions, by: plan.positions) {
                let block = Block(images: count, first: first, positions: min(plan.positions, convolution.positions - first))
                let ready = arrived.map { [$0] } ?? []
                let event: Event
                if let kernel, let packed {
                    busy[slot] = try pack(kernel, images[slot], block, packed, after: ready)
                    event = try multiply(kernel, weights, packed, outputs[turn], block)
                } else {
                    event = try direct(images[slot], weights, outputs[turn], block, after: ready)
                    busy[slot] = event
                }
                try session.flush(session.compute)
                if let last = pending { try unsafe staging.fetch(last.block, from: outputs[last.slot], to: y, after: [last.event]) }
                pending = (event, turn, place(image, block))
                turn = 1 - turn
                let share = Double(block.first + block.positions) / Double(convolution.positions) * Double(count)
                try control.step((Double(image) + share) / Double(convolution.batch) * 0.999)
            }
        }
        if let last = pending { try unsafe staging.fetch(last.block, from: outputs[last.slot], to: y, after: [last.event]) }
    }

    /// Some positions of some images.
    private struct Block {
        let images: Int
        let first: Int
        let positions: Int
    }

    /// The weights on the device, laid out where there is a kernel: W's lines are rows of op(A).
    private func weights(_ w: UnsafeRawPointer, _ loan: BufferPool.Loan) throws(Problem) -> DeviceBuffer {
        let raw = try loan.take(sizes.weights)
        let arrived = try unsafe staging.send(.run(0, sizes.weights), from: w, to: raw, after: [])
        guard let kernel else {
            try session.hold(for: arrived.map { [$0] } ?? [])
            return raw
        }
        let (rows, depth) = (ConvolutionPlan.Sizes.padded(convolution.groupOutputs, kernel.bm), kernel.depth(convolution.depth))
        let packed = try loan.take(sizes.packedWeights)
        let function = try session.programs.function("pack", of: kernel.program(input: convolution.inputDType))
        _ = try session.call(
            function,
            [
                .buffer(raw), .long(0), .long(convolution.depth), .long(1), .long(convolution.groupOutputs * convolution.depth),
                .int(convolution.groupOutputs), .int(convolution.depth), .buffer(packed), .int(kernel.bm), .int(rows), .int(depth),
            ],
            global: [ConvolutionPlan.Sizes.padded(rows, 16), ConvolutionPlan.Sizes.padded(depth, 16), convolution.groups], local: [16, 16, 1],
            after: arrived.map { [$0] } ?? [])
        return packed
    }

    /// The image's and the windows' sizes, as both kernels take them.
    private var windows: [Argument] {
        let (vertical, horizontal) = (convolution.vertical, convolution.horizontal)
        return [
            .int(convolution.groupChannels), .int(convolution.height), .int(convolution.width), .int(convolution.kernelHeight),
            .int(convolution.kernelWidth), .int(vertical.stride), .int(vertical.padding), .int(vertical.dilation), .int(horizontal.stride),
            .int(horizontal.padding), .int(horizontal.dilation), .int(convolution.outputWidth),
        ]
    }

    private func pack(
        _ kernel: Microkernel, _ images: DeviceBuffer, _ block: Block, _ packed: DeviceBuffer, after events: [Event]
    ) throws(Problem) -> Event {
        let function = try session.programs.function("pack_image", of: kernel.program(input: convolution.inputDType))
        let (rows, depth) = (ConvolutionPlan.Sizes.padded(block.positions, kernel.bn), kernel.depth(convolution.depth))
        return try session.call(
            function,
            [.buffer(images)] + windows
                + [.int(convolution.depth), .int(block.first), .int(block.positions), .buffer(packed), .int(kernel.bn), .int(rows), .int(depth)],
            global: [ConvolutionPlan.Sizes.padded(rows, 64), depth, block.images * convolution.groups], local: [64, 1, 1], after: events)
    }

    private func multiply(
        _ kernel: Microkernel, _ weights: DeviceBuffer, _ packed: DeviceBuffer, _ out: DeviceBuffer, _ block: Block
    ) throws(Problem) -> Event {
        let function = try session.programs.function("multiply", of: kernel.program(input: convolution.inputDType))
        return try session.call(
            function,
            [
                .buffer(weights), .buffer(packed), .buffer(out), .int(convolution.groupOutputs), .int(block.positions),
                .int(kernel.depth(convolution.depth)), .long(0), .long(block.positions), .long(convolution.groupOutputs * block.positions),
                .int(convolution.groups),
            ],
            global: kernel.global(rows: convolution.groupOutputs, columns: block.positions, matrices: block.images * convolution.groups),
            local: kernel.local)
    }

    private func direct(
        _ images: DeviceBuffer, _ weights: DeviceBuffer, _ out: DeviceBuffer, _ block: Block, after events: [Event]
    ) throws(Problem) -> Event {
        let function = try session.programs.function("direct", of: DirectConvolution.program(convolution.inputDType))
        return try session.call(
            function,
            [.buffer(images)] + windows + [.int(block.first), .int(block.positions), .buffer(weights), .buffer(out)]
                + [.int(convolution.outputs), .int(convolution.groupOutputs), .int(convolution.groups)],
            global: [ConvolutionPlan.Sizes.padded(block.positions, 64), convolution.outputs, block.images], local: [64, 1, 1], after: events)
    }

    /// Where a block of Y lies: whole images, or some positions of every plane of one.
    private func place(_ image: Int, _ block: Block) -> HostRectangle {
        let bytes = convolution.outputDType.byteCount
        let planes = image * convolution.outputs * convolution.positions
        if block.positions == convolution.positions {
            return .run(planes * bytes, block.images * convolution.outputs * block.positions * bytes)
        }
        return HostRectangle(
            offset: (planes + block.first) * bytes, rowBytes: block.positions * bytes, rows: convolution.outputs, stride: convolution.positions * bytes)
    }
}
