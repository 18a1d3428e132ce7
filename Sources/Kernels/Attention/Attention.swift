package import Wire

/// Scaled dot-product attention O = softmax(scale·Q·Kᵀ)·V for every head of a batch: its shape, formats and arithmetic.
///
/// Q and O are batch × heads × queries × d, K and V batch × heads × keys × d, row-major and packed. Heads are independent; O is F32.
/// A BF16 product is exact in F32, and so O from BF16 keeps what the sums hold: rounding it is the client's choice, as in `gemm`.
package struct Attention: Sendable, Hashable {
    package let batch: Int
    package let heads: Int
    package let queries: Int
    package let keys: Int
    /// Elements of a query, a key and a value.
    package let dimension: Int
    /// Query i sees the keys 0...i.
    package let isCausal: Bool
    /// What scores are multiplied by.
    package let scale: Double
    /// `f32` or `bf16-f32`: any order of summation.
    package let arithmetic: Arithmetic
    /// 4·batch·heads·queries·keys·d: two products; a mask changes nothing.
    package let operations: Int64

    package static let largestDimension = 4096
    /// Powers of two that binary32 holds with room for a score's other factors.
    package static let scales = 0x1p-64...0x1p64

    /// - Parameter scale: nil for 1/√d.
    /// - Throws: `shape_mismatch` for no keys, no elements in them, or a causal mask on unequal lengths; `unsupported_dtype`;
    ///   `out_of_range` for a dimension, scale or product that is too large.
    package init(
        batch: Int, heads: Int, queries: Int, keys: Int, dimension: Int, isCausal: Bool = false, scale: Double? = nil, arithmetic: Arithmetic
    ) throws(Problem) {
        for size in [batch, heads, queries, keys, dimension] where !(0...TensorDescriptor.maximumDimension).contains(size) {
            throw Problem(.outOfRange, "dimension \(size) is not in 0...\(TensorDescriptor.maximumDimension)")
        }
        guard arithmetic == .f32 || arithmetic == .bf16F32 else {
            throw Problem(.unsupportedDtype, "attention is done in f32 or bf16-f32, not \(arithmetic.rawValue)")
        }
        guard keys > 0, dimension > 0 else { throw Problem(.shapeMismatch, "attention needs keys with elements: there is no softmax of nothing") }
        guard dimension <= Self.largestDimension else { throw Problem(.outOfRange, "d = \(dimension) is over \(Self.largestDimension)") }
        guard !isCausal || queries == keys else { throw Problem(.shapeMismatch, "a causal mask needs as many queries as keys, not \(queries) and \(keys)") }
        let scale = scale ?? 1 / Double(dimension).squareRoot()
        guard Self.scales.contains(scale) else { throw Problem(.outOfRange, "scale \(scale) is not in 2^-64...2^64") }
        let all = try Checked.product(batch, heads, "the number of heads")
        _ = try Checked.product(try Checked.product(all, keys, "the size of k"), dimension, "the size of k")
        let outputs = try Checked.product(try Checked.product(all, queries, "the size of q"), dimension, "the size of q")
        let operations = try Checked.product(try Checked.product(outputs, keys, "the operations"), 4, "the operations")
        (self.batch, self.heads, self.queries, self.keys, self.dimension) = (batch, heads, queries, keys, dimension)
        (self.isCausal, self.scale, self.arithmetic) = (isCausal, scale, arithmetic)
        self.operations = Int64(operations)
    }

    package var inputDType: DType { arithmetic == .bf16F32 ? .bf16 : .f32 }
    package var outputDType: DType { .f32 }
    package var shapeQ: [Int] { [batch, heads, queries, dimension] }
    package var shapeKV: [Int] { [batch, heads, keys, dimension] }

    /// Heads of all elements of the batch.
    package var headCount: Int { batch * heads }
    /// Queries of all heads: the rows of O.
    package var rowCount: Int { headCount * queries }

    /// Keys that the query of a row sees.
    package func seen(row: Int) -> Int { isCausal ? row % queries + 1 : keys }

    /// Throws `shape_mismatch` unless the tensors are this work's. Backends call it before they touch memory.
    package func check(q: Tensor, k: Tensor, v: Tensor, o: Tensor? = nil) throws(Problem) {
        var expected = [(q, inputDType, shapeQ), (k, inputDType, shapeKV), (v, inputDType, shapeKV)]
        if let o { expected.append((o, outputDType, shapeQ)) }
        for (tensor, dtype, shape) in expected {
            guard tensor.dtype == dtype, tensor.shape == shape else {
                throw Problem(.shapeMismatch, "tensor \(tensor.name) is \(tensor.dtype.rawValue) \(tensor.shape), attention needs \(dtype.rawValue) \(shape)")
            }
        }
    }
}

/// A backend that doesn't mention attention can't do it.
extension ComputeBackend {
    package func capability(for attention: Attention) -> Capability? { nil }

    package func run(_ attention: Attention, q: Tensor, k: Tensor, v: Tensor, into o: Tensor, control: RunControl) throws(Problem) {
        throw Problem(.unsupportedDtype, "\(name) does not run attention")
    }
}
