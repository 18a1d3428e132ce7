extension VerificationClass {
    /// What a check of this class says, for people; the figures' derivations are in docs/VERIFICATION.md.
    package var promise: String {
        switch self {
        case .exact(let vectors): "soundness \(60 * vectors) bits: a wrong output passes with at most 2^-\(60 * vectors)"
        case .bits(let cells, _): "a wrong share f of the cells passes with (1-f)^\(cells); every row outside honest rounding is computed again"
        case .numeric(let figures):
            "every row within \(figures.rowLimit) times the bound of honest rounding, all of them within \(figures.rmsLimit) in the mean, no trace of "
                + figures.filters.joined(separator: ", ")
        case .sampled(let figures):
            "\(figures.checked) of \(figures.population) \(figures.unit) computed again: a wrong share f passes with (1-f)^\(figures.checked)"
        case .optimality(let figures): "\(figures.condition) within \(figures.tolerance) at the answer"
        case .recomputed: "everything computed again: no wrong output passes"
        }
    }
}
