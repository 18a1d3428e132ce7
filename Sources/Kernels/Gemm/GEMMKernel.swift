package import Wire

/// `gemm`: the product C = op(A)·op(B) of two matrices, or of each pair in two batches; inputs `a` and `b`, output `c`.
///
/// Parameters, all optional: `transpose_a`, `transpose_b` (false); `arithmetic`: `"reproducible"` (panel-256, the default) or `"free"` for F32
/// and F64; `activation` (`"none"`). I8 gives I32, exactly, for k ≤ 131,071; BF16 gives F32, in any order; F32 and F64 give their own format.
/// With an input `bias`, or an activation, the product before them is a second output, `product`: what is checked as a product is committed to.
package struct GEMMKernel: Kernel {
    package static let name = "gemm"

    package let gemm: GEMM
    /// What follows the product; nil if nothing does.
    package let epilogue: Epilogue?
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        let spec = try GEMMSpec(params: params, inputs: inputs)
        (gemm, epilogue) = (spec.gemm, spec.epilogue)
        self.inputs = spec.inputs
        let names = epilogue == nil ? ["c"] : ["c", "product"]
        var outputs: [TensorDescriptor] = []
        for name in names { outputs.append(try TensorDescriptor(name: name, dtype: gemm.outputDType, shape: gemm.shapeC)) }
        self.outputs = outputs
    }

    package var intermediates: [String] { epilogue == nil ? [] : ["product"] }
    package var arithmetic: Arithmetic { gemm.arithmetic }
    package var operations: Int64 { gemm.operations }

    package var verification: VerificationClass {
        switch arithmetic {
        case .i32Exact: Freivalds.standard
        case .f32Panel256, .f64Panel256: BitsVerifier.standard
        case .f32, .f64, .bf16F32: NumericVerifier.standard(gemm)
        }
    }

    package var verifierBytes: Int {
        switch arithmetic {
        case .i32Exact: Freivalds.scratchBytes(gemm)
        case .f32Panel256, .f64Panel256: BitsVerifier.scratchBytes(gemm)
        case .f32, .f64, .bf16F32: NumericVerifier.scratchBytes(gemm)
        }
    }

    /// The product's, from a backend that can do what follows it too.
    package func capability(on backend: any ComputeBackend) -> Capability? {
        if let epilogue, backend.capability(for: epilogue) == nil { return nil }
        return backend.capability(for: gemm)
    }

    package func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem) {
        guard arithmetic != .i32Exact, gemm.operations > 0 else { return }
        // All rows of A, and all columns of B, of all products.
        let rows = try norms(of: self.inputs[0], in: inputs, transposed: !gemm.transposeA, count: gemm.count * gemm.m, passes)
        let columns = try norms(of: self.inputs[1], in: inputs, transposed: gemm.transposeB, count: gemm.count * gemm.n, passes)
        try NonFinite.admit(rows: rows, columns: columns)
        if arithmetic != .f32Panel256, arithmetic != .f64Panel256 { try NumericVerifier.admit(rows: rows, columns: columns, gemm) }
    }

    /// Norms of the columns of a view, `count` in all; zeros for a tensor that was left out as finite and of ordinary size.
    private func norms(
        of descriptor: TensorDescriptor, in tensors: [Tensor], transposed: Bool, count: Int, _ passes: any VerifierPasses
    ) throws(Problem) -> ColumnNorms {
        guard tensors.contains(where: { $0.name == descriptor.name }) else {
            return ColumnNorms(sumsOfSquares: Array(repeating: 0, count: count), maxima: Array(repeating: 0, count: count))
        }
        return try passes.columnNorms(try MatrixView(batch: try tensor(descriptor, in: tensors), transposed: transposed))
    }

    package func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem) {
        let (a, b) = (try tensor(self.inputs[0], in: inputs), try tensor(self.inputs[1], in: inputs))
        let c = try tensor(self.outputs[0], in: outputs)
        guard let epilogue else { return try backend.run(gemm, a: a, b: b, into: c, control: control) }
        let product = try tensor(self.outputs[1], in: outputs)
        try backend.run(gemm, a: a, b: b, into: product, control: control.part(to: 0.95))
        try backend.run(epilogue, product: product, bias: try bias(inputs), into: c, control: control.part(from: 0.95))
    }

    package func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor] {
        let (a, b) = try views(inputs)
        let product = try Tensor(zeros: outputs[epilogue == nil ? 0 : 1])
        ReferenceProduct.fill(gemm, a, b, into: product)
        guard let epilogue else { return [product] }
        let c = try Tensor(zeros: outputs[0])
        epilogue.fill(c, product: product, bias: try bias(inputs))
        return [c, product]
    }

    /// The product by its class; what follows it element by element, every bit.
    package func verify(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        let (a, b) = try views(inputs)
        let product = try tensor(self.outputs[epilogue == nil ? 0 : 1], in: outputs)
        let report = try verify(a, b, try MatrixView(batch: product), challenge, passes)
        guard let epilogue, report.isAccepted else { return report }
        return try epilogue.verify(
            after: report, verification, product: product, bias: try bias(inputs), c: try tensor(self.outputs[0], in: outputs), passes: passes)
    }

    private func verify(
        _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, _ challenge: Challenge, _ passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        switch arithmetic {
        case .i32Exact: try Freivalds(gemm, a: a, b: b, c: c, passes: passes).verify(challenge)
        case .f32Panel256, .f64Panel256: try BitsVerifier(gemm, a: a, b: b, c: c, passes: passes).verify(challenge)
        case .f32, .f64, .bf16F32: try NumericVerifier(gemm, a: a, b: b, c: c, passes: passes).verify(challenge)
        }
    }

    private func bias(_ inputs: [Tensor]) throws(Problem) -> Tensor? {
        guard self.inputs.count > 2 else { return nil }
        return try tensor(self.inputs[2], in: inputs)
    }

    /// op(A) and op(B), of all products.
    private func views(_ tensors: [Tensor]) throws(Problem) -> (a: MatrixView, b: MatrixView) {
        (
            try MatrixView(batch: try tensor(inputs[0], in: tensors), transposed: gemm.transposeA),
            try MatrixView(batch: try tensor(inputs[1], in: tensors), transposed: gemm.transposeB)
        )
    }
}
