import Wire

/// NaN and infinity in inputs: what is admitted, and which rows and columns the probes must leave out.
enum NonFinite {
    /// The largest share of C's cells that may have to be recomputed because their row or column is not finite.
    static let admittedShare = 0.05

    /// - Parameters: rows: norms of A's rows; columns: norms of B's columns.
    /// - Throws: `non_finite_input` if over 5 % of the cells have a NaN or an infinity in their row of A or column of B.
    static func admit(rows: ColumnNorms, columns: ColumnNorms) throws(Problem) {
        let badRows = rows.maxima.count { !($0 < .infinity) }
        let badColumns = columns.maxima.count { !($0 < .infinity) }
        // In binary64: counts up to 2^31, so that no product can overflow.
        let (m, n, r, c) = (Double(rows.maxima.count), Double(columns.maxima.count), Double(badRows), Double(badColumns))
        guard r * n + c * (m - r) <= admittedShare * m * n else {
            throw Problem(.nonFiniteInput, "\(badRows) rows of op(a) and \(badColumns) columns of op(b) hold a NaN or an infinity: over 5 % of the cells")
        }
    }
}
