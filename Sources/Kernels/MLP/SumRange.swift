import Wire

/// Whether a layer's sums stay in binary32's range in every order: needed where the order is free.
///
/// No partial sum, in whatever order, exceeds k·max|x|·max|w|; rounding adds at most a factor (1 + 2^−24)^k ≤ 1.001 for the longest k, so
/// below 2^127 none overflows. The maxima are exact, so worker and verifier, who have the same bits, agree.
struct SumRange {
    static let limit = 0x1p127

    private let layer: Int
    /// k·max|x|·max|w|; not finite where an operand isn't.
    private let bound: Double

    /// - Parameters: values: what the layer takes, F32. weights: F32. nil for one whose numbers are known to be within [−1, 1].
    init(_ layer: Int, terms: Int, _ values: Tensor?, _ weights: Tensor?) {
        self.init(layer, terms: terms, values.map { Double($0.largestMagnitude) } ?? 1, weights.map { Double($0.largestMagnitude) } ?? 1)
    }

    /// By a verifier's passes.
    init(_ layer: Int, terms: Int, _ values: Tensor, _ weights: Tensor, _ passes: any VerifierPasses) throws(Problem) {
        self.init(layer, terms: terms, try passes.rowExtent(values).maximum, try passes.rowExtent(weights).maximum)
    }

    private init(_ layer: Int, terms: Int, _ x: Double, _ w: Double) {
        self.layer = layer
        // An infinite x with weights of 0 is no number.
        bound = x.isFinite && w.isFinite ? Double(terms) * x * w : .infinity
    }

    var finding: VerificationReport.Finding { .init(rule: "the largest sum of layer \(layer)", value: bound, limit: Self.limit) }

    /// nil if all is well.
    func problem(_ code: Problem.Code) -> Problem? {
        guard !(bound < Self.limit) else { return nil }
        return Problem(code, "sums of layer \(layer) could overflow in some order (up to \(bound)); \"reproducible\" arithmetic has one order")
    }

    /// Where in `values` the largest magnitude is, or the first NaN.
    func largestPlace(in values: Tensor) -> Int {
        let largest = values.largestMagnitude.bitPattern
        return values.withElements(as: UInt32.self) { bits in bits.indices.first { bits[$0] & 0x7fff_ffff == largest } ?? 0 }
    }
}

extension Tensor {
    /// The largest magnitude of F32 elements; a NaN counts as more than an infinity. 0 for an empty tensor.
    var largestMagnitude: Float {
        precondition(dtype == .f32, "magnitudes of F32")
        // Without its sign a float's bits are ordered as it is.
        let largest = unsafe buffer.withUnsafeBytes { raw in
            var lanes = SIMD16<UInt32>.zero
            let whole = raw.count & ~63
            for start in stride(from: 0, to: whole, by: 64) {
                let bits = unsafe raw.loadUnaligned(fromByteOffset: start, as: SIMD16<UInt32>.self) & 0x7fff_ffff
                lanes.replace(with: bits, where: bits .> lanes)
            }
            var largest = lanes.max()
            for start in stride(from: whole, to: raw.count, by: 4) {
                largest = max(largest, unsafe raw.loadUnaligned(fromByteOffset: start, as: UInt32.self) & 0x7fff_ffff)
            }
            return largest
        }
        return Float(bitPattern: largest)
    }
}
