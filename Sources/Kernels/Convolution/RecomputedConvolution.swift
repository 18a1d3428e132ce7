import Wire

/// The class *recomputed* for convolutions whose groups have too few outputs for a probe to save anything, such as depthwise ones.
///
/// Every cell is computed again: I8 exactly; F32 in binary64, where each cell must lie within the error that no order of binary32
/// can leave (`ReferenceConvolution.tolerance`). For long sums of mixed signs that is more than a lower precision of the inputs shows, so
/// 32 secret rows get the second look of the class *numeric* besides.
struct RecomputedConvolution {
    private let convolution: Convolution
    private let x: Tensor
    private let w: Tensor
    private let y: Tensor
    private let passes: any VerifierPasses

    init(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, passes: any VerifierPasses) {
        (self.convolution, self.x, self.w, self.y, self.passes) = (convolution, x, w, y, passes)
    }

    /// The weights in binary64, and what the passes take.
    static func scratchBytes(_ convolution: Convolution) -> Int { 16 * convolution.outputs * convolution.depth + ConvolutionScratch.passes }

    func verify(_ challenge: Challenge) throws(Problem) -> VerificationReport {
        var effort = VerificationReport.Effort()
        effort.cells = y.descriptor.elementCount
        var refusal: VerificationReport.Refusal?
        if let cell = try passes.firstWrong(convolution, x: x, w: w, y: y, outputs: nil) {
            refusal = ReferenceConvolution(convolution: convolution, x: x, w: w).refusal(y, cell: cell)
            guard refusal != nil else { throw Problem(.internalError, "a verifier pass disagrees with the definition at element \(cell)") }
        } else if convolution.arithmetic == .f32 {
            var stream = challenge.stream()
            let rows = stream.distinct(2 * ConvolutionSecondLook.rows, below: convolution.rows)
            effort.rows = rows.count
            let weights = try ConvolutionWeights(convolution, w, passes: passes)
            refusal = try ConvolutionSecondLook(convolution, x: x, w: w, y: y, scales: weights.scales, passes: passes).refusal(worst: [], random: rows)
        }
        return VerificationReport(.recomputed, refusal: refusal, effort: effort)
    }
}

/// W's outputs as the columns of the linear map: their norms, and what follows from them.
struct ConvolutionWeights {
    /// Of each output, by groups.
    let norms: [ColumnNorms]
    /// 2^(−e) for each output, e the exponent of its norm; 0 for one that is zero or not finite.
    let scales: [Double]

    init(_ convolution: Convolution, _ w: Tensor, passes: any VerifierPasses) throws(Problem) {
        let weights = try convolution.weights(w)
        var norms: [ColumnNorms] = []
        for group in 0..<convolution.groups { norms.append(try passes.columnNorms(try MatrixView(weights, transposed: true, batch: group))) }
        self.norms = norms
        scales = norms.flatMap { norms in
            zip(norms.sumsOfSquares, norms.maxima).map { sum, maximum in
                // Squares of F32 neither overflow nor vanish in binary64.
                maximum > 0 && maximum < .infinity ? RowScale.factor(Int(sum.squareRoot().exponent)) : 0
            }
        }
    }

    /// The outputs with a weight that is NaN or infinite.
    var nonFinite: Set<Int> { places { !($0 < .infinity) } }
    /// The outputs whose weights are all zero.
    var zero: Set<Int> { places { $0 == 0 } }

    private func places(_ condition: (Double) -> Bool) -> Set<Int> {
        let maxima = norms.flatMap(\.maxima)
        return Set(maxima.indices.filter { condition(maxima[$0]) })
    }
}
