package import Wire

/// `mlp.forward`: a network's answers to rows of data.
///
/// Inputs: `x` F32 [m, in], and for each layer i `w{i}` [in_i, out_i] and `b{i}` [out_i]. Parameters: `activations`, one for each layer;
/// `arithmetic`, `"reproducible"` (the default) or `"free"`. Outputs: `y` [m, out], and each layer's product before its bias, `product{i}`,
/// committed for the check: products are checked as `gemm`'s, what lies between them is computed again from them, to the bit.
package struct MLPForwardKernel: Kernel {
    package static let name = "mlp.forward"

    package let layers: NeuralLayers
    package let rows: Int
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]
    package let operations: Int64
    package let arithmetic: Arithmetic
    private let products: [GEMM]

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        var fields = try JSONFields(params, "params")
        let activations = try TrainingPlan.activations(&fields)
        arithmetic = try Self.arithmetic(&fields)
        try fields.finish()
        guard let x = inputs.first(where: { $0.name == "x" }) else { throw Problem(.missingField, "mlp.forward has no input \"x\"") }
        guard x.dtype == .f32 else { throw Problem(.unsupportedDtype, "x is F32, not \(x.dtype.rawValue)") }
        guard x.shape.count == 2 else { throw Problem(.shapeMismatch, "x has one row for each example") }
        let rows = x.shape[0]
        guard rows > 0 else { throw Problem(.shapeMismatch, "x has no rows") }
        var sizes = [x.shape[1]]
        for layer in activations.indices {
            guard let bias = inputs.first(where: { $0.name == "b\(layer)" }) else { throw Problem(.missingField, "there is no input \"b\(layer)\"") }
            guard bias.shape.count == 1 else { throw Problem(.shapeMismatch, "b\(layer) has one number for each output") }
            sizes.append(bias.shape[0])
        }
        layers = try NeuralLayers(sizes: sizes, activations: activations)
        try layers.check(inputs.filter { $0.name != "x" })
        self.rows = rows
        self.inputs = [x] + (try layers.weights())
        var (outputs, products, operations): ([TensorDescriptor], [GEMM], Int) = ([], [], 0)
        for layer in 0..<layers.count {
            let product = try GEMM(m: rows, n: sizes[layer + 1], k: sizes[layer], arithmetic: arithmetic)
            if case .f32 = arithmetic { try NumericVerifier.check(product) }
            operations = try Checked.sum(operations, Int(product.operations), "the operations")
            products.append(product)
            outputs.append(try TensorDescriptor(name: "product\(layer)", dtype: .f32, shape: product.shapeC))
        }
        outputs.insert(try TensorDescriptor(name: "y", dtype: .f32, shape: [rows, sizes[layers.count]]), at: 0)
        (self.outputs, self.products, self.operations) = (outputs, products, Int64(operations))
    }

    package var intermediates: [String] { (0..<layers.count).map { "product\($0)" } }

    /// Whether products may be summed in any order.
    private var isFree: Bool { arithmetic == .f32 }

    private static func arithmetic(_ fields: inout JSONFields) throws(Problem) -> Arithmetic {
        let order = try fields.optionalString("arithmetic", maxBytes: 32) ?? "reproducible"
        switch order {
        case "reproducible": return .f32Panel256
        case "free": return .f32
        default: throw Problem(.badParams, "arithmetic \"\(order)\" is not offered; there are \"reproducible\", the default, and \"free\"")
        }
    }

    /// In free arithmetic as the longest of the products is checked: it has the least to promise.
    package var verification: VerificationClass {
        guard isFree, let longest = products.max(by: { $0.k < $1.k }) else { return BitsVerifier.standard }
        return NumericVerifier.standard(longest)
    }

    /// Two layers' values, and the check of the largest product.
    package var verifierBytes: Int {
        let scratch = products.map { isFree ? NumericVerifier.scratchBytes($0) : BitsVerifier.scratchBytes($0) }.max() ?? 0
        let (sum, overflow) = Checked.saturating(8 * rows, layers.sizes.max() ?? 1).addingReportingOverflow(scratch)
        return overflow ? Int.max : sum
    }

    private func output(_ layer: Int) -> LayerOutput {
        LayerOutput(rows: rows, columns: layers.sizes[layer + 1], activation: layers.activations[layer])
    }

    package func capability(on backend: any ComputeBackend) -> Capability? {
        var largest: (operations: Int64, capability: Capability)?
        for (layer, product) in products.enumerated() {
            guard let capability = backend.capability(for: product), backend.capability(for: output(layer)) != nil else { return nil }
            if product.operations >= largest?.operations ?? 0 { largest = (product.operations, capability) }
        }
        return largest?.capability
    }

    /// Throws `non_finite_input` for a NaN or an infinity anywhere; `out_of_range` where the first layer's sums could overflow in some order.
    package func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem) {
        for tensor in inputs { try NonFinite.refuse(tensor) }
        // What was left out is random, in [-1, 1).
        let (x, w) = (inputs.first { $0.descriptor == self.inputs[0] }, inputs.first { $0.descriptor == self.inputs[1] })
        if isFree, let problem = SumRange(0, terms: layers.sizes[0], x, w).problem(.outOfRange) { throw problem }
    }

    /// Throws `sums_overflow` besides, where in free arithmetic a layer's sums could overflow: then there is no answer to check.
    package func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem) {
        var (values, done) = (try tensor(self.inputs[0], in: inputs), 0.0)
        for (layer, product) in products.enumerated() {
            let (w, b) = (try tensor(self.inputs[1 + 2 * layer], in: inputs), try tensor(self.inputs[2 + 2 * layer], in: inputs))
            let c = try tensor(self.outputs[1 + layer], in: outputs)
            if isFree, let problem = SumRange(layer, terms: product.k, values, w).problem(.sumsOverflow) { throw problem }
            let share = Double(product.operations) / Double(max(operations, 1))
            try backend.run(product, a: values, b: w, into: c, control: control.part(from: done, share))
            done += share
            let y = try self.values(behind: layer, in: outputs)
            try backend.activate(output(layer), product: c, bias: b, into: y, control: control.part(from: done, 0))
            values = y
        }
    }

    /// The last layer's are an output.
    private func values(behind layer: Int, in outputs: [Tensor]) throws(Problem) -> Tensor {
        if layer == layers.count - 1 { return try tensor(self.outputs[0], in: outputs) }
        return try Tensor(zeros: try TensorDescriptor(name: "x\(layer + 1)", dtype: .f32, shape: [rows, layers.sizes[layer + 1]]))
    }

    package func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor] {
        var made: [Tensor] = []
        for output in outputs { made.append(try Tensor(zeros: output)) }
        var values = try tensor(self.inputs[0], in: inputs)
        for (layer, product) in products.enumerated() {
            let (w, b) = (try tensor(self.inputs[1 + 2 * layer], in: inputs), try tensor(self.inputs[2 + 2 * layer], in: inputs))
            ReferenceProduct.fill(product, try MatrixView(values), try MatrixView(w), into: made[1 + layer])
            let y = try self.values(behind: layer, in: made)
            try PlainEngine().activate(output(layer), product: made[1 + layer], bias: b, into: y, control: .none)
            values = y
        }
        return made
    }

    /// Layer by layer, each product with a challenge of its own; its input is what follows from the product before.
    package func verify(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        var (values, challenge, effort) = (try tensor(self.inputs[0], in: inputs), challenge, VerificationReport.Effort())
        for (layer, product) in products.enumerated() {
            let (w, b) = (try tensor(self.inputs[1 + 2 * layer], in: inputs), try tensor(self.inputs[2 + 2 * layer], in: inputs))
            let c = try tensor(self.outputs[1 + layer], in: outputs)
            if isFree, let refusal = try overflow(SumRange(layer, terms: product.k, values, w, passes), layer, values) {
                return VerificationReport(verification, refusal: refusal, effort: effort)
            }
            let report = try verify(product, a: try MatrixView(values), b: try MatrixView(w), c: try MatrixView(c), challenge, passes)
            effort.add(report.effort)
            if let refusal = report.refusal { return VerificationReport(verification, refusal: refusal, effort: effort) }
            effort.cells += rows * layers.sizes[layer + 1]
            guard layer < layers.count - 1 else {
                let refusal = try differing(try tensor(self.outputs[0], in: outputs), product: c, bias: b, passes)
                return VerificationReport(verification, refusal: refusal, effort: effort)
            }
            let y = try Tensor(zeros: try TensorDescriptor(name: "y", dtype: .f32, shape: [rows, layers.sizes[layer + 1]]))
            try passes.activate(output(layer), product: c, bias: b, into: y, control: .none)
            (values, challenge) = (y, challenge.second)
        }
        return VerificationReport(verification, refusal: nil, effort: effort)
    }

    private func verify(
        _ product: GEMM, a: MatrixView, b: MatrixView, c: MatrixView, _ challenge: Challenge, _ passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        isFree
            ? try NumericVerifier(product, a: a, b: b, c: c, passes: passes).verify(challenge)
            : try BitsVerifier(product, a: a, b: b, c: c, passes: passes).verify(challenge)
    }

    /// Nobody could compute such a layer, and `run` says so: who hands in numbers all the same has made them up.
    private func overflow(_ range: SumRange, _ layer: Int, _ values: Tensor) throws(Problem) -> VerificationReport.Refusal? {
        guard let problem = range.problem(.outOfRange) else { return nil }
        // The first layer's operands are the client's, which were not admitted.
        if layer == 0 { throw problem }
        let (row, column) = range.largestPlace(in: values).quotientAndRemainder(dividingBy: layers.sizes[layer])
        return VerificationReport.Refusal(output: self.outputs[layer].name, cell: Cell(row: row, column: column), finding: range.finding)
    }

    /// The first element of `found` that is not what follows from the last product, confirmed by the definition of its row.
    private func differing(
        _ found: Tensor, product: Tensor, bias: Tensor, _ passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport.Refusal? {
        let (layer, columns) = (output(layers.count - 1), layers.sizes[layers.count])
        guard let index = try passes.firstWrong(layer, product: product, bias: bias, y: found) else { return nil }
        let bits = found.withElements(as: UInt32.self) { $0[index] }
        let (row, column) = index.quotientAndRemainder(dividingBy: columns)
        let offsets = bias.withElements(as: Float.self) { bias in (0..<columns).map { bias[$0] } }
        let line = product.withElements(as: Float.self) { product in (0..<columns).map { product[row * columns + $0] } }
        let expected = Panel256.canonicalBits(layer.row(line, offsets)[column])
        guard expected != UInt64(bits) else {
            throw Problem(.internalError, "a verifier pass disagrees with the definition at y[\(row), \(column)]")
        }
        return VerificationReport.Refusal(found, Cell(row: row, column: column), expected: expected, found: UInt64(bits))
    }
}

extension VerificationReport.Effort {
    /// The effort of one more part of a check.
    mutating func add(_ other: VerificationReport.Effort) {
        cells += other.cells
        rows += other.rows
        suspiciousRows += other.suspiciousRows
        worstRatio = max(worstRatio, other.worstRatio)
        rmsRatio = max(rmsRatio, other.rmsRatio)
        largestTrace = max(largestTrace, other.largestTrace)
        isSecondLook = isSecondLook || other.isSecondLook
    }
}
