package import Wire

/// What is done to each row of a tensor, a row being its last axis: softmax, or layer normalisation. Checked once.
///
/// Definitions, every operation rounded once in the tensor's format; Σ is a sum in panels of 256 (`Panel256`), each from +0 in ascending order.
/// Softmax: M the row's maximum (a NaN wins), e_j = exp(x_j − M), y_j = e_j / Σ e.
/// Layer normalisation of n: μ = Σ x / n; d_j = x_j − μ; v = Σ d² / n (fused); r = 1/√(v + ε); y_j = d_j·r, then ·γ_j and +β_j, fused where there are both.
/// −0 is written +0, every NaN as the canonical one.
package struct RowWork: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case softmax
        case layerNorm(epsilon: Double, hasGamma: Bool, hasBeta: Bool)
    }

    package let kind: Kind
    /// F32 or F64.
    package let dtype: DType
    package let rows: Int
    package let columns: Int
    /// `operationsPerElement` for each.
    package let operations: Int64

    /// - Throws: `unsupported_dtype`; `shape_mismatch` for rows of nothing; `out_of_range` for sizes too large, or a negative ε.
    package init(_ kind: Kind, dtype: DType, rows: Int, columns: Int) throws(Problem) {
        guard dtype == .f32 || dtype == .f64 else { throw Problem(.unsupportedDtype, "rows are F32 or F64, not \(dtype.rawValue)") }
        guard rows >= 0, columns > 0 else { throw Problem(.shapeMismatch, "a row has at least one element") }
        if case .layerNorm(let epsilon, _, _) = kind {
            guard epsilon >= 0, epsilon < .infinity else { throw Problem(.outOfRange, "epsilon is finite and not negative") }
        }
        let count = try Checked.product(rows, columns, "the elements")
        operations = Int64(try Checked.product(count, Self.operationsPerElement, "the operations"))
        (self.kind, self.dtype, self.rows, self.columns) = (kind, dtype, rows, columns)
    }

    /// Maximum, difference, exponential, sum and quotient; or sum, difference, square, sum and product.
    package static let operationsPerElement = 5

    package var arithmetic: Arithmetic { dtype == .f64 ? .f64Panel256 : .f32Panel256 }

    /// Throws `shape_mismatch` unless the tensors are this work's. Backends and passes call it before they touch memory.
    package func check(x: Tensor, gamma: Tensor?, beta: Tensor?, y: Tensor) throws(Problem) {
        var (needsGamma, needsBeta) = (false, false)
        if case .layerNorm(_, let hasGamma, let hasBeta) = kind { (needsGamma, needsBeta) = (hasGamma, hasBeta) }
        guard (gamma != nil) == needsGamma, (beta != nil) == needsBeta else { throw Problem(.shapeMismatch, "gamma or beta is missing, or not asked for") }
        for (tensor, count) in [(x, rows * columns), (y, rows * columns), (gamma, columns), (beta, columns)] {
            guard let tensor else { continue }
            guard tensor.dtype == dtype, tensor.descriptor.elementCount == count else {
                throw Problem(.shapeMismatch, "tensor \(tensor.name) is \(tensor.dtype.rawValue) \(tensor.shape), not \(count) of \(dtype.rawValue)")
            }
        }
    }

    // MARK: the definition

    /// The canonical bits of the rows `range`, widened with zeros.
    func bits(x: Tensor, gamma: Tensor?, beta: Tensor?, rows range: Range<Int>) -> [UInt64] {
        dtype == .f64 ? bits(Double.self, x, gamma, beta, range) : bits(Float.self, x, gamma, beta, range)
    }

    private func bits<T: PanelFloat>(_ type: T.Type, _ x: Tensor, _ gamma: Tensor?, _ beta: Tensor?, _ range: Range<Int>) -> [UInt64] {
        let (gamma, beta) = (Self.numbers(type, gamma), Self.numbers(type, beta))
        return x.withElements(as: type) { elements in
            range.flatMap { row in
                let line = (0..<columns).map { elements[row &* columns &+ $0] }
                return definition(line, gamma, beta).map { Panel256.canonicalBits($0) }
            }
        }
    }

    private static func numbers<T: PanelFloat>(_ type: T.Type, _ tensor: Tensor?) -> [T]? {
        tensor.map { $0.withElements(as: type) { elements in elements.indices.map { elements[$0] } } }
    }

    private func definition<T: PanelFloat>(_ x: [T], _ gamma: [T]?, _ beta: [T]?) -> [T] {
        let n = x.count
        switch kind {
        case .softmax:
            let largest = x.reduce(-T.infinity) { $0 > $1 || $0.isNaN ? $0 : $1 }
            let e = x.map { T.exp($0 - largest) }
            let sum: T = Panel256.sum(count: n) { $0 += e[$1] }
            return e.map { $0 / sum }
        case .layerNorm(let epsilon, _, _):
            let sum: T = Panel256.sum(count: n) { $0 += x[$1] }
            let mean = sum / T(n)
            let d = x.map { $0 - mean }
            let squares: T = Panel256.sum(count: n) { $0.addProduct(d[$1], d[$1]) }
            let r = 1 / (squares / T(n) + T(epsilon)).squareRoot()
            return d.indices.map { j in
                let y = d[j] * r
                if let gamma, let beta { return beta[j].addingProduct(y, gamma[j]) }
                if let gamma { return y * gamma[j] }
                if let beta { return y + beta[j] }
                return y
            }
        }
    }
}

extension ComputeBackend {
    package func capability(for rows: RowWork) -> Capability? { nil }

    package func run(_ rows: RowWork, x: Tensor, gamma: Tensor?, beta: Tensor?, into y: Tensor, control: RunControl) throws(Problem) {
        throw Problem(.unsupportedDtype, "\(name) runs neither softmax nor layernorm")
    }
}

/// The definition, which passes without a faster way use.
extension VerifierPasses {
    package func firstWrong(_ work: RowWork, x: Tensor, gamma: Tensor?, beta: Tensor?, y: Tensor) throws(Problem) -> Int? {
        for row in 0..<work.rows {
            let expected = work.bits(x: x, gamma: gamma, beta: beta, rows: row..<row + 1)
            if let place = expected.indices.first(where: { y.widenedBits(row * work.columns + $0) != expected[$0] }) { return row * work.columns + place }
        }
        return nil
    }
}

extension Tensor {
    /// An element's bits, widened with zeros.
    package func widenedBits(_ index: Int) -> UInt64 {
        switch dtype.byteCount {
        case 8: withElements(as: UInt64.self) { $0[index] }
        case 4: UInt64(withElements(as: UInt32.self) { $0[index] })
        case 2: UInt64(withElements(as: UInt16.self) { $0[index] })
        default: UInt64(withElements(as: UInt8.self) { $0[index] })
        }
    }

    /// Writes elements' bits from `start` on.
    package func write(_ bits: [UInt64], from start: Int = 0) {
        switch dtype.byteCount {
        case 8: write(UInt64.self, bits, start)
        case 4: write(UInt32.self, bits, start)
        case 2: write(UInt16.self, bits, start)
        default: write(UInt8.self, bits, start)
        }
    }

    private func write<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, _ bits: [UInt64], _ start: Int) {
        withMutableElements(as: type) { for i in bits.indices { $0[start + i] = T(truncatingIfNeeded: bits[i]) } }
    }
}
