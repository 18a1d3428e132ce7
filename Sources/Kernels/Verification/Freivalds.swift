import Wire

/// The class *exact*: is C = A·B, for integers, at the cost of reading the three matrices once?
///
/// For a secret x, uniform in GF(p)ⁿ with p = 2^61 − 1, compare A·(B·x) with C·x. If C is right they agree. If some row of
/// AB − C is not zero it is not zero mod p either, since |AB − C| < 2^32 < p, and then at most one value in p of the
/// coordinate that meets a non-zero entry hides it: an error of at most 2^−60 per vector.
/// Source: R. Freivalds, Probabilistic machines can use less running time, IFIP 1977; PROTOCOL section 9.
struct Freivalds {
    /// One vector for every job.
    static let standard = VerificationClass.exact(vectors: 1)

    private let gemm: GEMM
    private let a: MatrixView
    private let b: MatrixView
    private let c: MatrixView
    private let passes: any VerifierPasses
    /// 1 for a job; 2 for an audit.
    private let vectors: Int

    /// What an audit checks with: at most 2^−120.
    static let audit = 2

    /// Views of m × k, k × n (I8) and m × n (I32), or batches of such: one vector serves all products, since each row errs by itself.
    init(_ gemm: GEMM, a: MatrixView, b: MatrixView, c: MatrixView, passes: any VerifierPasses, vectors: Int = 1) {
        (self.gemm, self.a, self.b, self.c) = (gemm, a, b, c)
        (self.passes, self.vectors) = (passes, vectors)
    }

    /// Bytes of the vectors: x, Bx, A(Bx) and Cx.
    static func scratchBytes(_ gemm: GEMM, vectors: Int = 1) -> Int {
        Checked.saturating(8 * vectors * (gemm.n + gemm.k + 2 * gemm.m), gemm.count)
    }

    func verify(_ challenge: Challenge) throws(Problem) -> VerificationReport {
        // Nothing to be wrong; and an empty C may have dimensions for which no vector should be made.
        guard gemm.m > 0, gemm.n > 0, gemm.count > 0 else { return VerificationReport(.exact(vectors: vectors), refusal: nil, effort: .init()) }
        var stream = challenge.stream()
        let x = (0..<vectors * gemm.n).map { _ in stream.fieldElement() }
        // B·x is each product's own, x and C·x are of all.
        let expected = try passes.fieldProduct(a, try passes.fieldProduct(b, x, count: vectors), count: vectors)
        let found = try passes.fieldProduct(c, x, count: vectors)
        guard expected.count == found.count, expected.count == vectors * gemm.count * gemm.m else {
            throw Problem(.internalError, "a verifier pass gave vectors of another length")
        }
        var refusal: VerificationReport.Refusal?
        var effort = VerificationReport.Effort()
        if let wrong = expected.indices.first(where: { expected[$0] != found[$0] }) {
            effort.suspiciousRows = 1
            effort.rows = 1
            refusal = try wrongCell(inRow: wrong % (gemm.count * gemm.m))
        }
        return VerificationReport(.exact(vectors: vectors), refusal: refusal, effort: effort)
    }

    /// The first wrong cell of a row that the probe found wrong: n dot products, only to say where.
    private func wrongCell(inRow row: Int) throws(Problem) -> VerificationReport.Refusal {
        for column in 0..<gemm.n {
            if let refusal = BitComparison.refusal(gemm, a, b, c, Cell(row: row, column: column)) { return refusal }
        }
        throw Problem(.internalError, "the field pass refuses row \(row), the definition does not")
    }
}

/// A cell's bits against the plain definition's: the last word before any refusal.
enum BitComparison {
    static func refusal(_ gemm: GEMM, _ a: MatrixView, _ b: MatrixView, _ c: MatrixView, _ cell: Cell) -> VerificationReport.Refusal? {
        let expected = ReferenceProduct.bits(gemm, a, b, cell)
        let found = c.bits(cell.row, cell.column)
        guard expected != found else { return nil }
        return VerificationReport.Refusal(c.tensor, cell, expected: expected, found: found)
    }
}
