import CKernels
package import Kernels
import Synchronization
package import Wire

// Training and layers by our own kernels, for the work and for its check.
extension NativeGEMM {
    package func capability(for training: TrainingPlan) -> Capability? {
        Capability(arithmetic: .f32Panel256, operationsPerSecond: floatSpeed)
    }

    package func capability(for layer: LayerOutput) -> Capability? { Capability(arithmetic: .f32Panel256) }

    package func train(
        _ plan: TrainingPlan, _ data: TrainingData, steps: Range<Int>, state: inout [Float], control: RunControl
    ) throws(Problem) -> TrainingStretch {
        var moved = state
        let stretch = try turn.withLock { _ throws(Problem) in
            try KernelCall(instructionSet: instructionSet, threads: threads).train(plan, data, steps, &moved, control)
        }
        state = moved
        return stretch
    }

    package func activate(_ layer: LayerOutput, product: Tensor, bias: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try turn.withLock { _ throws(Problem) in
            try KernelCall(instructionSet: instructionSet, threads: threads).activate(layer, product, bias, y, control)
        }
    }
}

extension NativePasses {
    package func train(
        _ plan: TrainingPlan, _ data: TrainingData, steps: Range<Int>, state: inout [Float], control: RunControl
    ) throws(Problem) -> TrainingStretch {
        try call.train(plan, data, steps, &state, control)
    }

    package func activate(_ layer: LayerOutput, product: Tensor, bias: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try call.activate(layer, product, bias, y, control)
    }

    package func firstWrong(_ layer: LayerOutput, product: Tensor, bias: Tensor, y: Tensor) throws(Problem) -> Int? {
        try layer.check(product: product, bias: bias, y: y)
        var (first, run): (Int64, adit_run) = unsafe (-1, call.quiet)
        let status = unsafe withFloats(product) { product in
            unsafe withFloats(bias) { bias in
                unsafe withFloats(y) { y in
                    unsafe adit_layer_check(
                        &run, Int64(layer.rows), Int64(layer.columns), product, bias, Int32(layer.activation.code), y, &first)
                }
            }
        }
        try KernelCall.check(status)
        return first < 0 ? nil : Int(first)
    }
}

extension KernelCall {
    /// Rows whose numbers are handed to one call: 4 MiB of them.
    private static let rowsPerCall = 1 << 20

    fileprivate func train(
        _ plan: TrainingPlan, _ data: TrainingData, _ steps: Range<Int>, _ state: inout [Float], _ control: RunControl
    ) throws(Problem) -> TrainingStretch {
        guard state.count == plan.stateCount, data.x.descriptor.elementCount == plan.examples * plan.layers.sizes[0] else {
            throw Problem(.shapeMismatch, "the training's state or data has another size")
        }
        var stretch = TrainingStretch(losses: [])
        var order = TrainingOrder(plan, from: steps.lowerBound * plan.batch)
        let stepsPerCall = max(1, Self.rowsPerCall / plan.batch)
        var begin = steps.lowerBound
        while begin < steps.upperBound {
            let part = begin..<min(begin + stepsPerCall, steps.upperBound)
            let (done, share) = (Double(begin - steps.lowerBound) / Double(steps.count), Double(part.count) / Double(steps.count))
            let diverged = try call(plan, data, order.rows(part.count * plan.batch), part, &state, &stretch, control.part(from: done, share))
            if let diverged {
                stretch.divergedAt = part.lowerBound + diverged
                return stretch
            }
            begin = part.upperBound
        }
        return stretch
    }

    /// Gives the place among `steps` of a loss that was not finite.
    private func call(
        _ plan: TrainingPlan, _ data: TrainingData, _ rows: [Int32], _ steps: Range<Int>, _ state: inout [Float], _ stretch: inout TrainingStretch,
        _ control: RunControl
    ) throws(Problem) -> Int? {
        var inC = adit_train_plan(plan)
        let (rates, epsilons) = plan.rates(steps)
        var losses = [Float](repeating: 0, count: steps.count)
        var diverged: Int64 = -1
        let operations = plan.operations / Int64(plan.steps) * Int64(steps.count)
        try unsafe data.x.buffer.withUnsafeBytes { x throws(Problem) in
            try unsafe withFloats(data.targets) { targets throws(Problem) in
                try unsafe run(control, operations: operations) { run in
                    unsafe adit_train(
                        run, &inC, x.baseAddress?.assumingMemoryBound(to: Float.self), data.labels, targets, rows, Int64(steps.count), rates, epsilons, &state,
                        &losses, &diverged)
                }
            }
        }
        stretch.losses += losses
        return diverged < 0 ? nil : Int(diverged)
    }

    fileprivate func activate(_ layer: LayerOutput, _ product: Tensor, _ bias: Tensor, _ y: Tensor, _ control: RunControl) throws(Problem) {
        try layer.check(product: product, bias: bias, y: y)
        try unsafe y.buffer.withUnsafeMutableBytes { out throws(Problem) in
            try unsafe withFloats(product) { product throws(Problem) in
                try unsafe withFloats(bias) { bias throws(Problem) in
                    try unsafe run(control, operations: Int64(layer.rows) * Int64(layer.columns)) { run in
                        unsafe adit_layer(
                            run, Int64(layer.rows), Int64(layer.columns), product, bias, Int32(layer.activation.code),
                            out.baseAddress?.assumingMemoryBound(to: Float.self))
                    }
                }
            }
        }
    }
}

/// A pointer to a tensor's numbers, or nil where there is none, during the call only.
private func withFloats<R, E: Error>(_ tensor: Tensor?, _ body: (UnsafePointer<Float>?) throws(E) -> R) throws(E) -> R {
    guard let tensor else { return try body(nil) }
    return try unsafe tensor.buffer.withUnsafeBytes { raw throws(E) in try unsafe body(raw.baseAddress?.assumingMemoryBound(to: Float.self)) }
}

extension adit_train_plan {
    /// A plan as the C kernels see it.
    fileprivate init(_ plan: TrainingPlan) {
        self.init()
        layer_count = Int32(plan.layers.count)
        unsafe withUnsafeMutableBytes(of: &sizes) { raw in
            for (index, size) in plan.layers.sizes.enumerated() { unsafe raw.storeBytes(of: Int64(size), toByteOffset: 8 * index, as: Int64.self) }
        }
        unsafe withUnsafeMutableBytes(of: &activations) { raw in
            for (index, activation) in plan.layers.activations.enumerated() {
                // The softmax is a part of the loss.
                unsafe raw[index] = activation == .softmax ? LayerActivation.none.code : activation.code
            }
        }
        loss = Int32(plan.loss == .crossEntropy ? ADIT_CROSS_ENTROPY : ADIT_SQUARED_ERROR)
        if case .adam = plan.optimiser { optimiser = Int32(ADIT_ADAM) } else { optimiser = Int32(ADIT_SGD) }
        has_momentum = plan.optimiser.moments == 1
        batch = Int64(plan.batch)
        (loss_divisor, loss_scale) = (plan.lossDivisor, plan.gradientScale)
        let decays = plan.decays
        (first_decay, first_share, second_decay, second_share) = (decays.first, decays.firstShare, decays.second, decays.secondShare)
    }
}
