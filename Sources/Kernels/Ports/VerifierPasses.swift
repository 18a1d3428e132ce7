package import Wire

/// The heavy passes of the verifiers: each reads every matrix at most once and costs O(its elements).
///
/// `PlainPasses` is the definition in plain Swift; `NativePasses` does the same with the CPU's vector units. Only CPU
/// passes may lead to a refusal. Passes over floats sum in binary64, in any order: their results only say where to look.
/// The two `recompute` passes and `fieldProduct` are exact: every implementation gives the same bits.
///
/// Views are already checked against each other; no pass may read outside them, whatever the numbers are. Any dimension may be 0.
///
/// A view may hold a batch: `count` equal matrices. Then so do all views of the call, and what is said of a matrix below is said of each:
/// results lie one after the other, and row i of matrix p is row p·rows + i wherever a row or cell is named. Floats are F32, F64 or BF16.
package protocol VerifierPasses: Sendable, NeuralEngine, ConvolutionPasses, RegressionPass {
    /// M·v over GF(p), p = 2^61 − 1, for several vectors in one pass over the matrix.
    ///
    /// - Parameters:
    ///   - matrix: I8 or I32, any view; a negative entry stands for p − |entry|.
    ///   - vectors: `count` vectors of `matrix.columns` entries in 0..<p, one after the other; of a batch either those, for all matrices, or
    ///     `count` times as many entries as all its matrices have columns.
    /// - Returns: `count` vectors of `matrix.rows` entries (a batch: of all its matrices' rows) in 0..<p, one after the other.
    func fieldProduct(_ matrix: MatrixView, _ vectors: [UInt64], count: Int) throws(Problem) -> [UInt64]

    /// Σ b², and max |b|, of every column of a view of floats. (Rows: hand in `view.transposed`.)
    func columnNorms(_ b: MatrixView) throws(Problem) -> ColumnNorms

    /// Y = B·X and, where it is asked for, the weighted energy of B's rows, in one pass over B.
    ///
    /// - Parameters:
    ///   - b: k × n, floats, any view.
    ///   - probe: over n columns. A column of weight 0 is skipped, whatever it holds (it may hold NaN or infinities).
    func probe(_ b: MatrixView, with probe: ColumnProbe, energies: Bool) throws(Problem) -> ProbedRows

    /// The residual and its scale of every row of C against A·Y: the pass over A and C.
    ///
    /// With s = 2^(−f), f = `RowScale.exponent(of: max |a_i|, dtype)` (0 for F32), and y(t) = Σ_{l ≤ t} (s·a_il)·Y_l, l ascending:
    /// residual = ‖s·(CX)_i − y(k)‖², signal = ‖y(k)‖², energy = Σ_l (s·a_il)²·energy_l, or 0 where `rows` has no energies.
    /// Norms are over the 8 probes. (CX)_i leaves out columns of weight 0, whatever C holds there.
    /// A row with NaN or infinity in A gets `maximum` = +∞; its other values are then never looked at.
    /// A NaN or infinity in C must come out as a residual that is not finite.
    ///
    /// - Parameters:
    ///   - a: m × k, any view. c: m × n, not transposed, of the same dtype, or F32 where A is BF16.
    ///   - rows: Y of B's k rows, with or without their energies.
    ///   - vectors: whether the result holds s·(CX)_i − y(k) and y(k) too.
    func rowResiduals(a: MatrixView, c: MatrixView, rows: ProbedRows, probe: ColumnProbe, vectors: Bool) throws(Problem) -> RowResiduals

    /// Σ_t ‖y(t)‖² of the rows `indices`, y(t) as in `rowResiduals`: a chain of sums that few rows need (`BitsVerifier`).
    ///
    /// - Parameters: a: m × k, any view. rows: Y of B's k rows.
    func runningSums(a: MatrixView, rows: ProbedRows, indices: [Int]) throws(Problem) -> [Double]

    /// F(B)·X for each precision of `Precision.below(b.dtype)`, in its order: like `probe`, with B's elements rounded first.
    func roundedProbes(_ b: MatrixView, with probe: ColumnProbe) throws(Problem) -> [[Double]]

    /// A·Y as every filter of `Filter.family(a.dtype)` has it, in its order, m × 8 each.
    ///
    /// - Parameters: a: m × k, F32 or BF16. y: Y. rounded: what `roundedProbes` gave.
    func filterImages(a: MatrixView, y: [Double], rounded: [[Double]]) throws(Problem) -> [[Double]]

    /// Rows of A·B in binary64, and if `again` as the filters have them and as binary32 sums them in given orders.
    ///
    /// - Parameters: rows: ascending.
    func recomputeSums(a: MatrixView, b: MatrixView, rows: [Int], again: Bool) throws(Problem) -> RowSums

    /// The canonical bits of the given cells of op(A)·op(B) by the definition of `gemm.arithmetic`, widened with zeros.
    ///
    /// - Parameters: a: m × k view; b: k × n view (the transposes are in the views).
    func recomputeCells(_ gemm: GEMM, a: MatrixView, b: MatrixView, cells: [Cell]) throws(Problem) -> [UInt64]

    /// The same for whole rows: `rows.count` × n, row-major. The verifier asks for about a million cells at once.
    func recomputeRows(_ gemm: GEMM, a: MatrixView, b: MatrixView, rows: [Int]) throws(Problem) -> [UInt64]

    /// The first element of C, in row-major order, whose bits are not activation(product + bias); nil if there is none.
    ///
    /// - Throws: `shape_mismatch` unless the tensors are the epilogue's.
    func firstWrong(_ epilogue: Epilogue, product: Tensor, bias: Tensor?, c: Tensor) throws(Problem) -> Int?

    /// The first element of Y whose bits are not activation(product + bias) of a network's layer; nil if there is none. Throws as above.
    func firstWrong(_ layer: LayerOutput, product: Tensor, bias: Tensor, y: Tensor) throws(Problem) -> Int?

    /// The first element of Y, in row-major order, whose bits are not the row work's; nil if there is none. Throws as above.
    func firstWrong(_ work: RowWork, x: Tensor, gamma: Tensor?, beta: Tensor?, y: Tensor) throws(Problem) -> Int?

    /// The first element of Y whose bits are not the chain's; nil if there is none. Throws as above.
    func firstWrong(_ chain: ComputeChain, x: Tensor, operands: [Tensor], y: Tensor) throws(Problem) -> Int?

    /// The first element of Y whose bits are not the reduction's; nil if there is none. Throws as above.
    func firstWrong(_ reduction: Reduction, x: Tensor, y: Tensor) throws(Problem) -> Int?

    /// The same for a reduction to integers; an element whose sum is beyond I64 is wrong whatever it is.
    func firstWrong(_ reduction: ExactReduction, x: Tensor, y: Tensor) throws(Problem) -> Int?

    /// The given rows of softmax(scale·Q·Kᵀ)·V in binary64, and how far honest arithmetic may be from them (`AttentionSource`).
    ///
    /// - Parameters:
    ///   - rows: places among all queries of all heads, ascending.
    ///   - weights: of V's columns, d for each head; powers of two or 0. Outputs come out times them.
    ///   - keptBits: stored bits of the significand that Q, K and V are rounded to first, to nearest even; 23 changes nothing.
    func attentionRows(
        _ attention: Attention, q: Tensor, k: Tensor, v: Tensor, rows: [Int], weights: [Double], keptBits: Int
    ) throws(Problem) -> AttentionRows

    /// The least and the largest of each column of `groups` equal matrices, one after the other, of `columns` columns: F32 or BF16.
    ///
    /// A column with a NaN has −∞ and +∞; one of no rows +∞ and −∞.
    func columnRanges(_ tensor: Tensor, groups: Int, columns: Int) throws(Problem) -> ColumnRanges

    /// The largest Euclidean norm of the tensor's rows (along its last dimension) and its largest magnitude, both +∞ if there is a NaN or an
    /// infinity: F32 or BF16.
    func rowExtent(_ tensor: Tensor) throws(Problem) -> RowExtent
}

/// A cell of C.
package struct Cell: Sendable, Hashable {
    package let row: Int
    package let column: Int

    package init(row: Int, column: Int) {
        self.row = row
        self.column = column
    }
}

/// What the first pass over B says of its columns.
package struct ColumnNorms: Sendable, Equatable {
    /// Σ b² in binary64; may overflow to infinity for F64, then `maxima` serves.
    package var sumsOfSquares: [Double]
    /// max |b|; +∞ for a column with a NaN or an infinity.
    package var maxima: [Double]

    package init(sumsOfSquares: [Double], maxima: [Double]) {
        self.sumsOfSquares = sumsOfSquares
        self.maxima = maxima
    }
}

/// The secret matrix X and the weights of the columns it probes.
package struct ColumnProbe: Sendable, Equatable {
    /// Probes in X: always 8, of which the last may be zero.
    package static let width = 8

    /// X, n × 8, row-major.
    package let x: [Double]
    /// 2^(−e_j) for each of n columns; 0 for a column that is left out.
    package let weights: [Double]

    package init(x: [Double], weights: [Double]) {
        self.x = x
        self.weights = weights
    }
}

/// What the probe says of B's rows.
package struct ProbedRows: Sendable, Equatable {
    /// Y = BX, k × 8, row-major.
    package var y: [Double]
    /// Σ_j (weight_j·b_lj)² for each of k rows; nil if it wasn't asked for.
    package var energies: [Double]?

    package init(y: [Double], energies: [Double]? = nil) {
        self.y = y
        self.energies = energies
    }
}

/// What the probe says of one row of C; all but `maximum` scaled by the row's own power of two (squared).
package struct RowResidual: Sendable, Equatable {
    /// R_i².
    package var residual: Double
    /// S_i².
    package var signal: Double
    /// V_i, or 0 if B's energies were not asked for.
    package var energy: Double
    /// max |a_il|; +∞ if the row of A holds a NaN or an infinity.
    package var maximum: Double

    package init(residual: Double, signal: Double, energy: Double, maximum: Double) {
        self.residual = residual
        self.signal = signal
        self.energy = energy
        self.maximum = maximum
    }
}

/// What the probe says of all rows of C.
package struct RowResiduals: Sendable, Equatable {
    package var rows: [RowResidual]
    /// s·(CX)_i − y(k), 8 for each row; empty if they weren't asked for.
    package var differences: [Double]
    /// y(k), likewise.
    package var images: [Double]

    package init(rows: [RowResidual], differences: [Double] = [], images: [Double] = []) {
        (self.rows, self.differences, self.images) = (rows, differences, images)
    }
}

/// Rows of a product, summed again: each array holds the rows one after the other.
package struct RowSums: Sendable, Equatable {
    /// In binary64.
    package var exact: [Double]
    /// In binary64, of operands rounded as each of `Filter.family` says.
    package var filtered: [[Double]]
    /// In binary32: ascending, descending, and interleaved in 2, 8, 32 and 64 partial sums that are joined two by two. For BF16 also groups
    /// of 8 exact products, each group added to the sum and the sum cut to 24 significant bits.
    package var orders: [[Double]]

    package init(exact: [Double], filtered: [[Double]] = [], orders: [[Double]] = []) {
        (self.exact, self.filtered, self.orders) = (exact, filtered, orders)
    }
}

/// The power of two that brings a row or column near 1, so that F64's squares neither overflow nor vanish.
package enum RowScale {
    /// F32 needs none: its squares fit in binary64. F64: the exponent of `maximum`, kept in −1022...1022; 0 for 0 and for +∞.
    package static func exponent(of maximum: Double, _ dtype: DType) -> Int {
        guard dtype == .f64, maximum > 0, maximum < .infinity else { return 0 }
        return min(max(Int(maximum.exponent), -1022), 1022)
    }

    /// 2^(−exponent), exactly.
    package static func factor(_ exponent: Int) -> Double { Double(sign: .plus, exponent: -exponent, significand: 1) }
}
