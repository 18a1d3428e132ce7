package import Wire

/// `gemm`: the product C = op(A)·op(B) of two matrices, inputs `a` and `b`, output `c`.
///
/// Parameters, all optional: `transpose_a`, `transpose_b` (false), `arithmetic` (`"reproducible"`; `"free"` is refused for now).
/// I8 gives I32, exactly, for k ≤ 131,071; F32 and F64 give their own format, by panel-256.
package struct GEMMKernel: Kernel {
    package static let name = "gemm"

    package let gemm: GEMM
    package let inputs: [TensorDescriptor]
    package let outputs: [TensorDescriptor]

    package init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        var fields = try JSONFields(params, "params")
        let transposeA = try fields.optionalBool("transpose_a") ?? false
        let transposeB = try fields.optionalBool("transpose_b") ?? false
        let arithmetic = try fields.optionalString("arithmetic", maxBytes: 32) ?? "reproducible"
        try fields.finish()
        guard arithmetic == "reproducible" else {
            throw Problem(.badParams, "arithmetic \"\(arithmetic)\" is not offered; \"reproducible\" is the default")
        }
        let a = try Self.input("a", of: inputs)
        let b = try Self.input("b", of: inputs)
        guard inputs.count == 2 else { throw Problem(.badParams, "gemm has two inputs, a and b, not \(inputs.count)") }
        guard a.shape.count == 2, b.shape.count == 2 else { throw Problem(.shapeMismatch, "a and b must be matrices") }
        let (m, k) = transposeA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
        let (rowsB, n) = transposeB ? (b.shape[1], b.shape[0]) : (b.shape[0], b.shape[1])
        let promise = try Self.arithmetic(a.dtype, b.dtype)
        guard k == rowsB else { throw Problem(.shapeMismatch, "op(a) has \(k) columns, op(b) has \(rowsB) rows") }
        gemm = try GEMM(m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, arithmetic: promise)
        self.inputs = [a, b]
        outputs = [try TensorDescriptor(name: "c", dtype: gemm.outputDType, shape: gemm.shapeC)]
    }

    private static func input(_ name: String, of inputs: [TensorDescriptor]) throws(Problem) -> TensorDescriptor {
        guard let input = inputs.first(where: { $0.name == name }) else { throw Problem(.missingField, "gemm has no input \"\(name)\"") }
        return input
    }

    private static func arithmetic(_ a: DType, _ b: DType) throws(Problem) -> Arithmetic {
        switch (a, b) {
        case (.i8, .i8): .i32Exact
        case (.f32, .f32): .f32Panel256
        case (.f64, .f64): .f64Panel256
        default: throw Problem(.unsupportedDtype, "gemm takes I8·I8, F32·F32 or F64·F64, not \(a.rawValue)·\(b.rawValue)")
        }
    }

    package var arithmetic: Arithmetic { gemm.arithmetic }
    package var operations: Int64 { gemm.operations }

    package var verification: VerificationClass {
        arithmetic == .i32Exact ? Freivalds.standard : BitsVerifier.standard
    }

    package var verifierBytes: Int { arithmetic == .i32Exact ? Freivalds.scratchBytes(gemm) : BitsVerifier.scratchBytes(gemm) }

    package func capability(on backend: any ComputeBackend) -> Capability? { backend.capability(for: gemm) }

    package func admit(_ inputs: [Tensor], passes: any VerifierPasses) throws(Problem) {
        guard arithmetic != .i32Exact, gemm.operations > 0 else { return }
        let rows = try norms(of: self.inputs[0], in: inputs, transposed: !gemm.transposeA, count: gemm.m, passes)
        let columns = try norms(of: self.inputs[1], in: inputs, transposed: gemm.transposeB, count: gemm.n, passes)
        try NonFinite.admit(rows: rows, columns: columns)
    }

    /// Norms of the `count` columns of a view; zeros for a tensor that was left out as finite.
    private func norms(
        of descriptor: TensorDescriptor, in tensors: [Tensor], transposed: Bool, count: Int, _ passes: any VerifierPasses
    ) throws(Problem) -> ColumnNorms {
        guard tensors.contains(where: { $0.name == descriptor.name }) else {
            return ColumnNorms(sumsOfSquares: Array(repeating: 0, count: count), maxima: Array(repeating: 0, count: count))
        }
        return try passes.columnNorms(try MatrixView(try tensor(descriptor, in: tensors), transposed: transposed))
    }

    package func run(_ inputs: [Tensor], into outputs: [Tensor], on backend: any ComputeBackend, control: RunControl) throws(Problem) {
        let (a, b) = (try tensor(self.inputs[0], in: inputs), try tensor(self.inputs[1], in: inputs))
        try backend.run(gemm, a: a, b: b, into: try tensor(self.outputs[0], in: outputs), control: control)
    }

    package func reference(_ inputs: [Tensor]) throws(Problem) -> [Tensor] {
        let (a, b) = try views(inputs)
        let c = try Tensor(zeros: outputs[0])
        ReferenceProduct.fill(gemm, a, b, into: c)
        return [c]
    }

    package func verify(
        _ inputs: [Tensor], _ outputs: [Tensor], challenge: Challenge, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        let (a, b) = try views(inputs)
        let c = try MatrixView(try tensor(self.outputs[0], in: outputs))
        return arithmetic == .i32Exact
            ? try Freivalds(gemm, a: a, b: b, c: c, passes: passes).verify(challenge)
            : try BitsVerifier(gemm, a: a, b: b, c: c, passes: passes).verify(challenge)
    }

    /// op(A) and op(B).
    private func views(_ tensors: [Tensor]) throws(Problem) -> (a: MatrixView, b: MatrixView) {
        (
            try MatrixView(try tensor(inputs[0], in: tensors), transposed: gemm.transposeA),
            try MatrixView(try tensor(inputs[1], in: tensors), transposed: gemm.transposeB)
        )
    }
}
