/// Y cell by cell, by the definition: what every backend and every verifier is compared with.
///
/// I8 is exact. F32 is free: the definition is the real number, here its sum in binary64, and what an honest worker may be off from
/// it is bounded by the terms' magnitudes. Terms in the padding are products with zero, which add nothing; where a weight is not finite
/// a worker may also multiply it (0·∞ is NaN).
struct ReferenceConvolution {
    let convolution: Convolution
    let x: Tensor
    let w: Tensor

    /// What one cell of F32 should be.
    struct Free {
        var sum = 0.0
        /// Σ |a·b|: NaN or infinite where a term is.
        var magnitude = 0.0
        /// Whether a term in the padding meets a weight that is NaN or infinite.
        var paddedNonFinite = false
    }

    /// Sums of magnitudes from here on may overflow binary32 on the way.
    static let overflow = 0x1p127

    func free(_ row: Convolution.Row, output: Int) -> Free {
        var cell = Free()
        let line = (row.group * convolution.groupOutputs + output) * convolution.depth
        var inside = 0
        x.withElements(as: Float.self) { x in
            w.withElements(as: Float.self) { w in
                var isFinite = true
                for term in 0..<convolution.depth where !w[line + term].isFinite { isFinite = false }
                convolution.terms(row) { term, element in
                    let product = Double(x[element]) * Double(w[line + term])
                    cell.sum += product
                    cell.magnitude += product.magnitude
                    inside += 1
                }
                cell.paddedNonFinite = !isFinite && inside < convolution.depth
            }
        }
        return cell
    }

    /// Whether honest work in any order may have left this value.
    func isRight(_ found: Float, _ cell: Free) -> Bool {
        if cell.paddedNonFinite, !found.isFinite { return true }
        guard cell.magnitude.isFinite else { return cell.sum.isNaN ? found.isNaN : !found.isFinite }
        if cell.magnitude >= Self.overflow, !found.isFinite { return true }
        return (Double(found) - cell.sum).magnitude <= Convolution.tolerance(magnitude: cell.magnitude, depth: convolution.depth)
    }

    /// I8: the sum itself, which k ≤ 131,071 keeps within 32 bits.
    func exact(_ row: Convolution.Row, output: Int) -> Int32 {
        var sum: Int32 = 0
        let line = (row.group * convolution.groupOutputs + output) * convolution.depth
        x.withElements(as: Int8.self) { x in
            w.withElements(as: Int8.self) { w in
                convolution.terms(row) { term, element in sum &+= Int32(x[element]) &* Int32(w[line + term]) }
            }
        }
        return sum
    }

    /// The bits that the definition writes: of F32 those of the rounded sum.
    func bits(_ row: Convolution.Row, output: Int) -> UInt32 {
        convolution.arithmetic == .i32Exact ? UInt32(bitPattern: exact(row, output: output)) : Float(free(row, output: output).sum).bitPattern
    }

    func fill(_ y: Tensor) {
        y.withMutableElements(as: UInt32.self) { cells in
            for index in cells.indices {
                let (row, output) = convolution.place(index)
                cells[index] = bits(row, output: output)
            }
        }
    }

    /// A cell of Y against the definition: the last word before any refusal.
    func refusal(_ y: Tensor, cell: Int) -> VerificationReport.Refusal? {
        let (row, output) = convolution.place(cell)
        let found = y.withElements(as: UInt32.self) { $0[cell] }
        if convolution.arithmetic == .i32Exact {
            guard UInt32(bitPattern: exact(row, output: output)) != found else { return nil }
        } else {
            guard !isRight(Float(bitPattern: found), free(row, output: output)) else { return nil }
        }
        return VerificationReport.Refusal(y, Cell(row: 0, column: cell), expected: UInt64(bits(row, output: output)), found: UInt64(found))
    }
}

extension Convolution {
    /// How far honest F32 may be from the real sum of `depth` terms whose magnitudes add up to `magnitude`.
    ///
    /// (k + 1)·u·(1 + 2^−9)·Σ|ab| + k·2^−149: every order of k products and sums, fused or not, errs by at most γ_k·Σ|ab|, γ_k =
    /// k·u/(1 − k·u) ≤ k·u·(1 + 2^−9) for k ≤ 2^14, and a subnormal product by 2^−150; binary64's own share is far below one more u.
    /// Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.1.
    package static func tolerance(magnitude: Double, depth: Int) -> Double {
        Double(depth + 1) * 0x1p-24 * (1 + 0x1p-9) * magnitude + Double(depth) * 0x1p-149
    }
}
