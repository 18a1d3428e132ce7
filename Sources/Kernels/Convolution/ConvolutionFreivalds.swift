import Wire

/// The class *exact* for a convolution: Freivalds on its linear map, which no matrix is made of.
///
/// A row of the map is a position of one image for one group; its entries are the group's outputs there. With r secret, independent and
/// uniform in GF(p), p = 2^61 − 1, one entry for each output, Σ_o r_o·Y[o] must be the convolution of X with the one filter
/// Σ_o r_o·W[o] in the field. Both the right sum and Y's cell lie in I32, so a wrong cell differs from the right one by less than 2^32 < p:
/// not zero in the field either, and then at most one value in p of its own r_o hides it. Contracting positions first would cost
/// the same: either way each tap of each position is read once.
struct ConvolutionFreivalds {
    static let standard = VerificationClass.exact(vectors: 1)

    private let convolution: Convolution
    private let x: Tensor
    private let w: Tensor
    private let y: Tensor
    private let passes: any VerifierPasses
    /// 1 for a job; 2 for an audit.
    private let vectors: Int

    init(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, passes: any VerifierPasses, vectors: Int = 1) {
        (self.convolution, self.x, self.w, self.y) = (convolution, x, w, y)
        (self.passes, self.vectors) = (passes, vectors)
    }

    /// Bytes of the vectors and filters, and of their copies in digits.
    static func scratchBytes(_ convolution: Convolution, vectors: Int = 1) -> Int {
        32 * vectors * (convolution.outputs + convolution.groups * convolution.depth) + ConvolutionScratch.passes
    }

    func verify(_ challenge: Challenge) throws(Problem) -> VerificationReport {
        var stream = challenge.stream()
        let entries = (0..<vectors * convolution.outputs).map { _ in stream.fieldElement() }
        let weights = try convolution.weights(w)
        var filters: [UInt64] = []
        for vector in 0..<vectors {
            for group in 0..<convolution.groups {
                let start = vector * convolution.outputs + group * convolution.groupOutputs
                let part = Array(entries[start..<start + convolution.groupOutputs])
                filters += try passes.fieldProduct(try MatrixView(weights, transposed: true, batch: group), part, count: 1)
            }
        }
        var effort = VerificationReport.Effort()
        guard let index = try passes.mismatch(convolution, x: x, y: y, filters: filters, vectors: entries, count: vectors) else {
            return VerificationReport(.exact(vectors: vectors), refusal: nil, effort: effort)
        }
        (effort.suspiciousRows, effort.rows) = (1, 1)
        let (row, reference) = (convolution.row(index), ReferenceConvolution(convolution: convolution, x: x, w: w))
        for output in 0..<convolution.groupOutputs {
            if let refusal = reference.refusal(y, cell: convolution.cell(row, output: output)) {
                return VerificationReport(.exact(vectors: vectors), refusal: refusal, effort: effort)
            }
        }
        throw Problem(.internalError, "the field pass refuses row \(index), the definition does not")
    }
}

/// What the passes over convolutions take beside the tensors.
enum ConvolutionScratch {
    /// Each thread's stretch of inputs, for a number of threads that few machines have.
    static let passes = 64 << 22
}
