package import Kernels
package import Wire

/// Trainings change the state that they are given, so they can't be run twice to be measured: the first member that can do one does it.
extension MeasuredBackend {
    package func capability(for training: TrainingPlan) -> Capability? { members.lazy.compactMap { $0.capability(for: training) }.first }

    package func train(
        _ plan: TrainingPlan, _ data: TrainingData, steps: Range<Int>, state: inout [Float], control: RunControl
    ) throws(Problem) -> TrainingStretch {
        guard let member = members.first(where: { $0.capability(for: plan) != nil }) else { throw Problem(.unsupportedDtype, "no member of \(name) trains") }
        control.uses(member.device)
        return try member.train(plan, data, steps: steps, state: &state, control: control)
    }

    package func capability(for layer: LayerOutput) -> Capability? { capability(Self.work(layer)) { $0.capability(for: layer) } }

    package func activate(_ layer: LayerOutput, product: Tensor, bias: Tensor, into y: Tensor, control: RunControl) throws(Problem) {
        try run(Self.work(layer), operations: Int64(layer.rows * layer.columns), control) {
            $0.capability(for: layer)
        } _: { member, control throws(Problem) in
            try member.activate(layer, product: product, bias: bias, into: y, control: control)
        }
    }

    private static func work(_ layer: LayerOutput) -> WorkClass {
        WorkClass("layer \(layer.activation)", .f32Panel256, sizes: [layer.rows, layer.columns])
    }
}
