package import Wire

/// What follows a product or a convolution, element by element: C = activation(P + bias), the bias one number for each column of a matrix or for
/// each channel of an image. C is rows × columns × plane: element i has the bias's number i / plane mod columns.
///
/// P, the product, is committed to besides C, so that it is checked as a product and C from it to the bit. The sum is rounded once, in the
/// format of C, and then the activation's value; after each step −0 is +0, at the end every NaN the canonical one.
package struct Epilogue: Sendable, Hashable {
    package let activation: Activation
    package let hasBias: Bool
    /// F32 or F64.
    package let dtype: DType
    /// Rows of all products of a batch together, or images.
    package let rows: Int
    /// Columns, or channels.
    package let columns: Int
    /// 1, or a channel's positions.
    package let plane: Int

    /// - Throws: `unsupported_dtype` but for F32 and F64; `out_of_range` for sizes below 0 or too large.
    package init(activation: Activation, hasBias: Bool, dtype: DType, rows: Int, columns: Int, plane: Int = 1) throws(Problem) {
        guard dtype == .f32 || dtype == .f64 else { throw Problem(.unsupportedDtype, "a bias or an activation needs F32 or F64, not \(dtype.rawValue)") }
        guard rows >= 0, columns >= 0, plane >= 1 else { throw Problem(.outOfRange, "sizes are not below 0, and a plane is not empty") }
        let cells = try Checked.product(try Checked.product(rows, columns, "the cells"), plane, "the cells")
        _ = try Checked.product(cells, dtype.byteCount, "the cells' bytes")
        (self.activation, self.hasBias, self.dtype) = (activation, hasBias, dtype)
        (self.rows, self.columns, self.plane) = (rows, columns, plane)
    }

    package var count: Int { rows * columns * plane }

    /// Throws `shape_mismatch` unless the tensors are this work's. Backends and passes call it before they touch memory.
    package func check(product: Tensor, bias: Tensor?, c: Tensor) throws(Problem) {
        for (tensor, count) in [(product, count), (c, count)] {
            guard tensor.dtype == dtype, tensor.descriptor.elementCount == count else { throw mismatch(tensor, count) }
        }
        guard (bias != nil) == hasBias else { throw Problem(.shapeMismatch, hasBias ? "the bias is missing" : "there is no bias here") }
        if let bias {
            guard bias.dtype == dtype, bias.descriptor.elementCount == columns else { throw mismatch(bias, columns) }
        }
    }

    private func mismatch(_ tensor: Tensor, _ count: Int) -> Problem {
        Problem(.shapeMismatch, "tensor \(tensor.name) is \(tensor.dtype.rawValue) \(tensor.shape), not \(count) of \(dtype.rawValue)")
    }

    // MARK: the definition

    /// Gives C's canonical bits in row-major order, widened with zeros, until `body` says false.
    func bits(product: Tensor, bias: Tensor?, _ body: (Int, UInt64) -> Bool) {
        if dtype == .f64 { bits(Double.self, product, bias, body) } else { bits(Float.self, product, bias, body) }
    }

    private func bits<T: PanelFloat>(_ type: T.Type, _ product: Tensor, _ bias: Tensor?, _ body: (Int, UInt64) -> Bool) {
        product.withElements(as: type) { cells in
            func all(_ sum: (Int) -> T) {
                for index in cells.indices where !body(index, Panel256.canonicalBits(activation.apply(sum(index) + 0))) { return }
            }
            guard let bias else { return all { cells[$0] } }
            bias.withElements(as: type) { bias in all { cells[$0] + bias[$0 / plane % columns] } }
        }
    }

    /// Writes C.
    func fill(_ c: Tensor, product: Tensor, bias: Tensor?) {
        func fill<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) {
            c.withMutableElements(as: type) { cells in
                bits(product: product, bias: bias) { index, bits in
                    cells[index] = T(truncatingIfNeeded: bits)
                    return true
                }
            }
        }
        if dtype == .f64 { fill(UInt64.self) } else { fill(UInt32.self) }
    }

    /// The report of a product that was accepted, or why what follows from it is refused: every bit is looked at.
    func verify(
        after report: VerificationReport, _ verification: VerificationClass, product: Tensor, bias: Tensor?, c: Tensor, passes: any VerifierPasses
    ) throws(Problem) -> VerificationReport {
        guard let place = try passes.firstWrong(self, product: product, bias: bias, c: c) else { return report }
        let refusal = try refusal(at: place, product: product, bias: bias, c: c)
        return VerificationReport(verification, refusal: refusal, effort: report.effort)
    }

    /// Why C is refused: a wrong element that a pass found, confirmed by the definition. In images it is named by its place alone.
    ///
    /// - Throws: `internal_error` if the definition doesn't find it wrong.
    func refusal(at place: Int, product: Tensor, bias: Tensor?, c: Tensor) throws(Problem) -> VerificationReport.Refusal {
        let expected = dtype == .f64 ? bits(Double.self, place, product, bias) : bits(Float.self, place, product, bias)
        let found = c.widenedBits(place)
        guard expected != found else { throw Problem(.internalError, "a verifier pass disagrees with the definition at element \(place)") }
        let isMatrix = c.shape.count < 4
        let cell = isMatrix ? Cell(row: place / columns, column: place % columns) : Cell(row: 0, column: place)
        return VerificationReport.Refusal(c, cell, expected: expected, found: found)
    }

    private func bits<T: PanelFloat>(_ type: T.Type, _ place: Int, _ product: Tensor, _ bias: Tensor?) -> UInt64 {
        let cell = product.withElements(as: type) { $0[place] }
        let sum = bias.map { $0.withElements(as: type) { cell + $0[place / plane % columns] } } ?? cell
        return Panel256.canonicalBits(activation.apply(sum + 0))
    }
}

/// A function of each element. The codes are the C kernels'.
package enum Activation: String, Sendable, CaseIterable, Hashable {
    case none
    case relu
    /// x·(1 + erf(x/√2))/2.
    case gelu
    /// Its form by tanh.
    case geluTanh = "gelu_tanh"

    /// The parameter `activation`; none where there is none. Throws `bad_params` for another name.
    init(_ fields: inout JSONFields) throws(Problem) {
        let name = try fields.optionalString("activation", maxBytes: 32) ?? Activation.none.rawValue
        guard let activation = Activation(rawValue: name) else {
            let known = Activation.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(.badParams, "no activation \"\(name)\"; there are \(known)")
        }
        self = activation
    }

    package var code: Int32 {
        switch self {
        case .none: 0
        case .relu: 1
        case .gelu: 2
        case .geluTanh: 3
        }
    }

    /// NaN stays NaN.
    func apply<T: PanelFloat>(_ x: T) -> T {
        switch self {
        case .none: x
        case .relu: x < 0 ? 0 : x
        case .gelu: T.gelu(x)
        case .geluTanh: T.geluTanh(x)
        }
    }
}

extension ComputeBackend {
    package func capability(for epilogue: Epilogue) -> Capability? { nil }

    package func run(_ epilogue: Epilogue, product: Tensor, bias: Tensor?, into c: Tensor, control: RunControl) throws(Problem) {
        throw Problem(.unsupportedDtype, "\(name) adds no bias and applies no activation")
    }
}

/// The definition, which passes without a faster way use.
extension VerifierPasses {
    package func firstWrong(_ epilogue: Epilogue, product: Tensor, bias: Tensor?, c: Tensor) throws(Problem) -> Int? {
        try epilogue.check(product: product, bias: bias, c: c)
        var wrong: Int?
        func compare<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) {
            c.withElements(as: type) { found in
                epilogue.bits(product: product, bias: bias) { index, bits in
                    if UInt64(found[index]) != bits { wrong = index }
                    return wrong == nil
                }
            }
        }
        if epilogue.dtype == .f64 { compare(UInt64.self) } else { compare(UInt32.self) }
        return wrong
    }
}
