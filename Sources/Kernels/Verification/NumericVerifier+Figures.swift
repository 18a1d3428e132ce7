package import Wire

// What the class promises of a product, and which products it takes.
extension NumericVerifier {
    /// Up to here the size of the rows' errors alone gives every lower precision away.
    static let longestWithoutFilters = 2048
    /// Up to here honest rounding stays below that of every lower precision, whatever the data.
    package static let longestFull = 4096
    /// The longest sums of F32 and BF16 that the limits were calibrated with.
    package static let longest = 16_384
    /// Rows of the second look: the worst, and as many drawn at random.
    static let secondLookRows = 16

    /// The figures of a product in free arithmetic. F32: 6 and 1.5. BF16: matrix units that add 8 products and truncate err one way, by
    /// √k more than their rounding. F64: the probe's own rounding in binary64 counts.
    package static func figures(_ gemm: GEMM) -> NumericFigures {
        let filters = Filter.family(gemm.inputDType).map(\.name)
        let root = Double(gemm.k).squareRoot()
        return switch gemm.inputDType {
        case .f64: NumericFigures(rowLimit: 1024, rmsLimit: 512, filters: [], secondLookRows: 0)
        case .bf16:
            NumericFigures(rowLimit: 6 + root / 3, rmsLimit: 1.5 + root / 5, filters: filters, secondLookRows: secondLookRows, isFull: gemm.k <= longestFull)
        default: NumericFigures(rowLimit: 6, rmsLimit: 1.5, filters: filters, secondLookRows: secondLookRows, isFull: gemm.k <= longestFull)
        }
    }

    package static func standard(_ gemm: GEMM) -> VerificationClass { .numeric(figures(gemm)) }

    /// Throws `too_long` for sums that the limits were not calibrated with.
    package static func check(_ gemm: GEMM) throws(Problem) {
        guard gemm.inputDType == .f64 || gemm.k <= longest else {
            throw Problem(.tooLong, "k = \(gemm.k) is over \(longest), the longest sum that free arithmetic is checked for")
        }
    }

    /// Throws `out_of_range` if a partial sum could overflow, which no check of rounding can tell from a fault.
    ///
    /// - Parameters: rows: norms of A's rows; columns: of B's. A batch's are all there; each is compared with all, which is only stricter.
    package static func admit(rows: ColumnNorms, columns: ColumnNorms, _ gemm: GEMM) throws(Problem) {
        let limit = gemm.inputDType == .f64 ? 0x1p1023 : 0x1p127
        // A product of zero length or without columns has no sums.
        let product = largestNorm(rows, gemm.k) * largestNorm(columns, gemm.k)
        guard product < limit else { throw Problem(.outOfRange, "a sum could overflow: the largest rows and columns have norms whose product is \(product)") }
    }

    /// Columns with a NaN or an infinity are left out: their cells are checked by themselves.
    private static func largestNorm(_ norms: ColumnNorms, _ length: Int) -> Double {
        norms.maxima.indices.reduce(0) { largest, column in
            guard norms.maxima[column] < .infinity else { return largest }
            let (sum, maximum) = (norms.sumsOfSquares[column], norms.maxima[column])
            // Where F64's squares left the range, the largest possible norm.
            return max(largest, sum < .infinity && sum >= 0x1p-900 ? sum.squareRoot() : maximum * Double(length).squareRoot())
        }
    }

    /// Bytes of the probe, of what the passes copy of it, of the rows' findings, of the filters' images, and of rows summed again.
    package static func scratchBytes(_ gemm: GEMM) -> Int {
        let hasFilters = !Filter.family(gemm.inputDType).isEmpty && gemm.k > longestWithoutFilters
        let probe = 160 * (gemm.n + gemm.k) + 160 * gemm.m
        let filters = hasFilters ? 6 * 64 * gemm.m + 3 * 64 * gemm.k : 0
        let (sum, overflow) = Checked.saturating(probe + filters, gemm.count).addingReportingOverflow(
            8 * 12 * gemm.n * SecondLook.rowsPerPass(gemm) + 8 * max(gemm.m, gemm.n))
        return overflow ? Int.max : sum
    }
}
