import Wire

/// The filters of the class *numeric*: how much of F(A)F(B) − AB is in C − AB, seen through the probes.
///
/// With D = F(A)F(B)X − ABX and r_i = (CX)_i − (ABX)_i, β = (Σ⟨r_i,D_i⟩/T_i²)/(Σ⟨D_i,D_i⟩/T_i²) is the least-squares share: 1 where all of C was
/// made with F, 0 ± its standard error where it wasn't. Source: PROTOCOL section 9, "Numeric".
struct Traces {
    /// A filter speaks above this share, if it is also this many standard errors.
    static let share = 0.25
    static let errors = 4.0

    private let gemm: GEMM
    private let a: MatrixView
    private let b: MatrixView
    private let passes: any VerifierPasses

    init(_ gemm: GEMM, a: MatrixView, b: MatrixView, passes: any VerifierPasses) { (self.gemm, self.a, self.b, self.passes) = (gemm, a, b, passes) }

    /// The largest β of the filters that speak; 0 if none does.
    func largest(_ probe: FloatProbe, _ look: ProbeLook) throws(Problem) -> Double {
        let rounded = try passes.roundedProbes(b, with: probe.columns)
        let images = try passes.filterImages(a: a, y: look.y, rounded: rounded)
        let width = ColumnProbe.width
        guard images.allSatisfy({ $0.count == look.rows.count * width }), look.images.count == look.rows.count * width else {
            throw Problem(.internalError, "a filter pass gave vectors of another length")
        }
        // 1 / T_i²; 0 for rows that say nothing.
        let precisions = look.rows.enumerated().map { index, row -> Double in
            guard row.maximum < .infinity else { return 0 }
            let bound = probe.bound(signal: row.signal, energy: row.energy, maximum: row.maximum, product: index / gemm.m)
            return bound > 0 ? 1 / (bound * bound) : 0
        }
        return images.reduce(0) { largest, image in max(largest, Self.trace(look, image, precisions)) }
    }

    private static func trace(_ look: ProbeLook, _ image: [Double], _ precisions: [Double]) -> Double {
        let width = ColumnProbe.width
        var (both, filtered, found, count) = (0.0, 0.0, 0.0, 0.0)
        for (index, precision) in precisions.enumerated() where precision > 0 && precision < .infinity {
            var (rd, dd, rr) = (0.0, 0.0, 0.0)
            for place in index * width..<(index + 1) * width {
                let (r, d) = (look.differences[place], image[place] - look.images[place])
                rd += r * d
                dd += d * d
                rr += r * r
            }
            // Rounding can overflow where the value itself does not: such rows say nothing.
            guard dd.isFinite else { continue }
            both += rd * precision
            filtered += dd * precision
            found += rr * precision
            count += Double(width)
        }
        guard filtered > 0 else { return 0 }
        let share = both / filtered
        let error = (max(0, found - share * both) / (filtered * max(count - 1, 1))).squareRoot()
        // Written so that NaN speaks.
        return share <= Self.share || share <= errors * error ? 0 : share.isNaN ? .infinity : share
    }
}
