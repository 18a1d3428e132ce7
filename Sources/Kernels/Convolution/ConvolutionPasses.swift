package import Wire

/// A secret probe of a convolution's outputs, as the passes need it.
package struct ConvolutionProbe: Sendable {
    /// Σ_o x_o·W[o]: for each group the terms' 8 numbers, groups × depth × 8.
    package let filters: [Double]
    /// Σ_o (weight_o·W[o, l])² of each group and term, groups × depth; nil if the rows' energies aren't asked for.
    package let energies: [Double]?
    /// X: outputs × 8.
    package let x: [Double]
    /// 2^(−e) of each output; 0 for one that is left out, whatever Y holds there.
    package let weights: [Double]

    package init(filters: [Double], energies: [Double]?, x: [Double], weights: [Double]) {
        (self.filters, self.energies, self.x, self.weights) = (filters, energies, x, weights)
    }
}

/// What the checks of a convolution ask of the passes, beside the rows that they gather as matrices.
///
/// The plain definitions are in `PlainConvolutionPasses`. Row i of the linear map is a position of one image for one group
/// (`Convolution.row`). No pass takes memory for the rows' inputs as a matrix, but `gather`.
package protocol ConvolutionPasses {
    /// The first row where Σ_o v_o·Y[o] and Σ_l f_l·x_l differ modulo 2^61 − 1, for one of `count` vectors; nil if there is none. Exact.
    ///
    /// - Parameters: filters: f, count × groups × depth. vectors: v, count × outputs.
    func mismatch(_ convolution: Convolution, x: Tensor, y: Tensor, filters: [UInt64], vectors: [UInt64], count: Int) throws(Problem) -> Int?

    /// The residual and scale of every row (F32): ‖Σ_o x_o·Y[o] − y‖² and ‖y‖² for y = Σ_l f_l·x_l, over the 8 probes, and
    /// Σ_l x_l²·energy_l, or 0. Sums in binary64, in any order; without energies also by identities of several rows, whose errors are
    /// relative to the largest inputs of those. `maximum` is 0, or +∞ for a row whose inputs aren't all finite.
    func residuals(_ convolution: Convolution, x: Tensor, y: Tensor, probe: ConvolutionProbe) throws(Problem) -> [RowResidual]

    /// The inputs of some rows (F32), rows.count × depth; zeros in the padding.
    func gather(_ convolution: Convolution, x: Tensor, rows: [Int]) throws(Problem) -> Tensor

    /// The first element of Y that is wrong by `ReferenceConvolution`, among those of `outputs` (nil: of all); nil if there is none.
    func firstWrong(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, outputs: Set<Int>?) throws(Problem) -> Int?

    /// The same among the cells of some rows (F32).
    func firstWrong(_ convolution: Convolution, x: Tensor, w: Tensor, y: Tensor, rows: [Int]) throws(Problem) -> Int?
}
