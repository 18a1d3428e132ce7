import Wire

/// The filters of the class *numeric*: how much of F(A)F(B) − AB is in C − AB, seen through the probes.
///
/// With D = F(A)F(B)X − ABX and r_i = (CX)_i − (ABX)_i, β = (Σ⟨r_i,D_i⟩/T_i²)/(Σ⟨D_i,D_i⟩/T_i²) is the least-squares share: 1 where all of C was
/// made with F, 0 ± its standard error where it wasn't. Source: PROTOCOL section 9, "Numeric".
struct Traces {
    /// A filter speaks above this share, if it is also this many standard errors.
    static let share = 0.25
    static let errors = 4.0
    /// Of more rows than these a secret choice of so many is looked at. β is a share over all rows, so a choice estimates it: its
    /// standard error with 1,024 rows of 8 probes is near 0.005, and no worker knows which rows they are.
    static let mostRows = 1024

    private let gemm: GEMM
    private let a: MatrixView
    private let b: MatrixView
    private let passes: any VerifierPasses

    init(_ gemm: GEMM, a: MatrixView, b: MatrixView, passes: any VerifierPasses) { (self.gemm, self.a, self.b, self.passes) = (gemm, a, b, passes) }

    /// The largest β of the filters that speak; 0 if none does.
    func largest(_ probe: FloatProbe, _ look: ProbeLook, _ stream: inout ChallengeStream) throws(Problem) -> Double {
        let rounded = try passes.roundedProbes(b, with: probe.columns)
        let (rows, chosen) = try choose(look.rows.count, &stream)
        let images = try passes.filterImages(a: chosen, y: look.y, rounded: rounded)
        let width = ColumnProbe.width
        guard images.allSatisfy({ $0.count == rows.count * width }), look.images.count == look.rows.count * width else {
            throw Problem(.internalError, "a filter pass gave vectors of another length")
        }
        // 1 / T_i²; 0 for rows that say nothing.
        let precisions = rows.map { index -> Double in
            let row = look.rows[index]
            guard row.maximum < .infinity else { return 0 }
            let bound = probe.bound(signal: row.signal, energy: row.energy, maximum: row.maximum, product: index / gemm.m)
            return bound > 0 ? 1 / (bound * bound) : 0
        }
        return images.reduce(0) { largest, image in
            var trace = Trace()
            for (index, precision) in precisions.enumerated() {
                trace.add(look.differences, look.images, row: rows[index], filtered: image, row: index, precision: precision)
            }
            return max(largest, trace.loudness)
        }
    }

    /// The rows that are looked at, and A with those alone. Rows that lie apart in memory (a transposed A), and batches, are taken whole.
    private func choose(_ count: Int, _ stream: inout ChallengeStream) throws(Problem) -> ([Int], MatrixView) {
        guard gemm.batch == nil, !a.isTransposed, count > Self.mostRows else { return (Array(0..<count), a) }
        let rows = stream.distinct(Self.mostRows, below: count)
        let some = try Tensor(zeros: try TensorDescriptor(name: "a", dtype: a.dtype, shape: [rows.count, gemm.k]))
        let length = gemm.k * a.dtype.byteCount
        unsafe a.tensor.buffer.withUnsafeBytes { from in
            unsafe some.buffer.withUnsafeMutableBytes { to in
                for (place, row) in rows.enumerated() {
                    let source = unsafe UnsafeRawBufferPointer(
                        rebasing: from[a.index(row, 0) * a.dtype.byteCount..<a.index(row, 0) * a.dtype.byteCount + length])
                    unsafe UnsafeMutableRawBufferPointer(rebasing: to[place * length..<(place + 1) * length]).copyMemory(from: source)
                }
            }
        }
        return (rows, try MatrixView(some))
    }
}

/// β of one filter, from rows that are added one by one.
struct Trace {
    /// Σ⟨r,D⟩/T², Σ⟨D,D⟩/T², Σ⟨r,r⟩/T² and the numbers in r.
    private var both = 0.0
    private var filtered = 0.0
    private var found = 0.0
    private var count = 0.0

    /// Adds row `row` of the differences r and of the images ABX, with row `filteredRow` of F(A)F(B)X.
    ///
    /// - Parameter precision: 1/T² of the row; 0 or infinite for one that says nothing.
    mutating func add(
        _ differences: [Double], _ images: [Double], row: Int, filtered image: [Double], row filteredRow: Int, precision: Double
    ) {
        guard precision > 0, precision < .infinity else { return }
        let width = ColumnProbe.width
        var (rd, dd, rr) = (0.0, 0.0, 0.0)
        for probe in 0..<width {
            let place = row * width + probe
            let (r, d) = (differences[place], image[filteredRow * width + probe] - images[place])
            rd += r * d
            dd += d * d
            rr += r * r
        }
        // Rounding can overflow where the value itself does not: such rows say nothing.
        guard dd.isFinite else { return }
        both += rd * precision
        filtered += dd * precision
        found += rr * precision
        count += Double(width)
    }

    /// β if it speaks, +∞ if it can't be said; 0 if the filter says nothing.
    var loudness: Double {
        guard filtered > 0 else { return 0 }
        let share = both / filtered
        let error = (max(0, found - share * both) / (filtered * max(count - 1, 1))).squareRoot()
        // Written so that NaN speaks.
        return share <= Traces.share || share <= Traces.errors * error ? 0 : share.isNaN ? .infinity : share
    }
}
