package import Wire

/// `regression.train`: the coefficients of a linear (also ridge) or logistic regression.
///
/// Inputs: `x` F64 [m, k], `y` F64 [m]; for a logistic model 0 and 1. Parameters: see `RegressionPlan`. Outputs: `coefficients` [k] and, with an
/// intercept, `intercept` [1]. Checked by the condition that only the best answer meets, at a cost of O(m·k).
package struct RegressionKernel: Kernel {
    package static let name = "regression.train"

    package let plan: RegressionPlan
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        var fields = try JSONFields(params, "params")
        let (x, y) = (try Self.input("x", inputs), try Self.input("y", inputs))
        guard inputs.count == 2 else { throw Problem(.badParams, "regression.train has two inputs, x and y, not \(inputs.count)") }
        for tensor in [x, y] where tensor.dtype != .f64 {
            throw Problem(.unsupportedDtype, "\(tensor.name) is F64, not \(tensor.dtype.rawValue)")
        }
        guard x.shape.count == 2 else { throw Problem(.shapeMismatch, "x has one row for each example") }
        guard y.shape == [x.shape[0]] else { throw Problem(.shapeMismatch, "y has shape \(y.shape), not [\(x.shape[0])]") }
        plan = try RegressionPlan(reading: &fields, m: x.shape[0], k: x.shape[1])
        try fields.finish()
        self.inputs = [x, y]
        let coefficients = try TensorDescriptor(name: "coefficients", dtype: .f64, shape: [plan.k])
        outputs = plan.intercept ? [coefficients, try TensorDescriptor(name: "intercept", dtype: .f64, shape: [1])] : [coefficients]
    }

    private static func input(_ name: String, _ inputs: [TensorDescriptor]) throws(Problem) -> TensorDescriptor {
        guard let input = inputs.first(where: { $0.name == name }) else { throw Problem(.missingField, "regression.train has no input \"\(name)\"") }
        return input
    }

    package var arithmetic: Arithmetic { .f64 }
    package var operations: Int64 { plan.operations }
    package var verification: VerificationClass { RegressionVerifier.figures(plan) }

    /// Sums of up to 64 parts of the rows.
    package var verifierBytes: Int { 66 * 8 * (2 * plan.k + 16) }

    package func capability(on backend: any ComputeBackend) -> Capability? { backend.capability(for: RegressionData(m: plan.m, k: plan.k)) }

    /// Throws `non_finite_input` for a NaN or an infinity; `out_of_range` for a label that is neither 0 nor 1, and where squares overflow.
    package func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem) {
        for tensor in inputs {
            // Of y's numbers as one column.
            let norms = try passes.columnNorms(tensor.shape.count == 2 ? try MatrixView(tensor) : try Self.column(tensor))
            if norms.maxima.contains(where: { !($0 < .infinity) }) {
                let bad = tensor.withElements(as: Double.self) { elements in elements.indices.first { !elements[$0].isFinite } }
                throw Problem(.nonFiniteInput, "\(tensor.name)[\(bad ?? 0)] is not finite")
            }
            if let bad = norms.sumsOfSquares.firstIndex(where: { !($0 < .infinity) }) {
                throw Problem(.outOfRange, "column \(bad) of \(tensor.name) holds numbers whose squares overflow: scale them")
            }
        }
        guard plan.model == .logistic, let y = inputs.first(where: { $0.name == "y" }) else { return }
        let bad = y.withElements(as: Double.self) { elements in elements.indices.first { elements[$0] != 0 && elements[$0] != 1 } }
        if let bad { throw Problem(.outOfRange, "y[\(bad)] is neither 0 nor 1") }
    }

    private static func column(_ tensor: Tensor) throws(Problem) -> MatrixView {
        try MatrixView(try Tensor(try TensorDescriptor(name: tensor.name, dtype: .f64, shape: [tensor.shape[0], 1]), tensor.buffer))
    }

    /// Throws `singular_system` and `not_converged` besides: then there is no answer, on whatever device.
    package func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem) {
        try solve(inputs, outputs, control, backend)
    }

    package func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor] {
        var made: [Tensor] = []
        for output in outputs { made.append(try Tensor(zeros: output)) }
        try solve(inputs, made, .none, PlainRegression())
        return made
    }

    private func solve(_ inputs: [Tensor], _ outputs: [Tensor], _ control: RunControl, _ engine: any RegressionEngine) throws(Problem) {
        try control.step(0)
        let (x, y) = (try tensor(self.inputs[0], in: inputs), try tensor(self.inputs[1], in: inputs))
        let answer =
            plan.model == .linear
            ? try LinearSolver(plan: plan, engine: engine, control: control).solve(x, y)
            : try LogisticSolver(plan: plan, engine: engine, control: control).solve(x, y)
        try tensor(self.outputs[0], in: outputs).withMutableElements(as: Double.self) { elements in
            for index in elements.indices { elements[index] = answer.coefficients[index] }
        }
        if plan.intercept { try tensor(self.outputs[1], in: outputs).withMutableElements(as: Double.self) { $0[0] = answer.intercept } }
        try control.step(1)
    }

    package func verify(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        try RegressionVerifier(plan: plan, passes: passes).verify(
            try tensor(self.inputs[0], in: inputs), try tensor(self.inputs[1], in: inputs), try tensor(self.outputs[0], in: outputs),
            plan.intercept ? try tensor(self.outputs[1], in: outputs) : nil)
    }
}
