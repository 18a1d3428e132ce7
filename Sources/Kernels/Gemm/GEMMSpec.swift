import Wire

/// What the parameters and inputs of `gemm` mean, checked: the product, and what follows it.
struct GEMMSpec {
    let gemm: GEMM
    /// nil: C is the product itself.
    let epilogue: Epilogue?
    /// A, B and the bias if there is one.
    let inputs: [TensorDescriptor]

    /// - Throws: `bad_params`, `unknown_field`, `missing_field`, `wrong_type`, `unsupported_dtype`, `shape_mismatch`, `too_long`, `out_of_range`.
    init(params: JSON, inputs: [TensorDescriptor]) throws(Problem) {
        var fields = try JSONFields(params, "params")
        let transposeA = try fields.optionalBool("transpose_a") ?? false
        let transposeB = try fields.optionalBool("transpose_b") ?? false
        let order = try fields.optionalString("arithmetic", maxBytes: 32)
        let activation = try Activation(&fields)
        try fields.finish()
        let a = try Self.input("a", of: inputs)
        let b = try Self.input("b", of: inputs)
        let bias = inputs.first { $0.name == "bias" }
        guard inputs.count == (bias == nil ? 2 : 3) else { throw Problem(.badParams, "gemm has inputs a, b and perhaps bias, not \(inputs.count)") }

        let batch = try Self.batch(a.shape, b.shape)
        let (stored, storedB) = (a.shape.suffix(2), b.shape.suffix(2))
        let (m, k) = transposeA ? (stored[stored.endIndex - 1], stored[stored.startIndex]) : (stored[stored.startIndex], stored[stored.endIndex - 1])
        let (rowsB, n) =
            transposeB ? (storedB[storedB.endIndex - 1], storedB[storedB.startIndex]) : (storedB[storedB.startIndex], storedB[storedB.endIndex - 1])
        let arithmetic = try Self.arithmetic(a.dtype, b.dtype, order)
        guard k == rowsB else {
            throw Problem(.shapeMismatch, "op(a) has \(k) column\(k == 1 ? "" : "s"), op(b) \(rowsB) row\(rowsB == 1 ? "" : "s"): they must be as many")
        }
        gemm = try GEMM(m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, batch: batch, arithmetic: arithmetic)
        if case .f32 = arithmetic { try NumericVerifier.check(gemm) }
        if case .bf16F32 = arithmetic { try NumericVerifier.check(gemm) }
        if let bias {
            guard bias.dtype == gemm.outputDType, bias.shape == [n] else {
                throw Problem(.shapeMismatch, "the bias is \(bias.dtype.rawValue) \(bias.shape), not \(gemm.outputDType.rawValue) [\(n)]")
            }
        }
        // No overflow: it is a factor of C's size, unless that is 0.
        let rows = n > 0 ? gemm.count * m : 0
        epilogue =
            bias == nil && activation == .none
            ? nil : try Epilogue(activation: activation, hasBias: bias != nil, dtype: gemm.outputDType, rows: rows, columns: n)
        self.inputs = [a, b] + (bias.map { [$0] } ?? [])
    }

    private static func input(_ name: String, of inputs: [TensorDescriptor]) throws(Problem) -> TensorDescriptor {
        guard let input = inputs.first(where: { $0.name == name }) else { throw Problem(.missingField, "gemm has no input \"\(name)\"") }
        return input
    }

    /// The equal first dimension of two tensors of rank 3; nil for matrices.
    private static func batch(_ a: [Int], _ b: [Int]) throws(Problem) -> Int? {
        if a.count == 2, b.count == 2 { return nil }
        guard a.count == 3, b.count == 3 else { throw Problem(.shapeMismatch, "a and b must be matrices, or batches of matrices") }
        guard a[0] == b[0] else { throw Problem(.shapeMismatch, "a is a batch of \(a[0]), b of \(b[0])") }
        guard a[0] > 0 else { throw Problem(.outOfRange, "a batch of 0 has nothing to compute") }
        return a[0]
    }

    /// - Parameter order: the parameter `arithmetic`, which says in what order floats are summed.
    private static func arithmetic(_ a: DType, _ b: DType, _ order: String?) throws(Problem) -> Arithmetic {
        switch (a, b, order ?? (a == .bf16 ? "free" : "reproducible")) {
        case (.i8, .i8, "reproducible"): .i32Exact
        case (.f32, .f32, "reproducible"): .f32Panel256
        case (.f64, .f64, "reproducible"): .f64Panel256
        case (.f32, .f32, "free"): .f32
        case (.f64, .f64, "free"): .f64
        case (.bf16, .bf16, "free"): .bf16F32
        case (.i8, .i8, let order), (.f32, .f32, let order), (.f64, .f64, let order), (.bf16, .bf16, let order):
            throw Problem(
                .badParams,
                "arithmetic \"\(order)\" is not offered for \(a.rawValue): F32 and F64 have \"reproducible\" and \"free\", I8 the first, BF16 the second")
        default: throw Problem(.unsupportedDtype, "gemm takes I8·I8, F32·F32, F64·F64 or BF16·BF16, not \(a.rawValue)·\(b.rawValue)")
        }
    }
}
