package import Wire

/// How an output is checked, and the figures a buyer may rely on (PROTOCOL section 9).
package enum VerificationClass: Sendable, Hashable {
    /// Freivalds over 2^61 − 1: a wrong output passes with at most 2^−60 per vector.
    case exact(vectors: Int)
    /// Secret cells and every suspicious row recomputed to the bit; a wrong share f of the cells passes them with (1−f)^cells.
    case bits(cells: Int, worstRows: Int)
    /// Everything computed again and compared to the bit: no wrong output passes.
    case recomputed

    package var name: String {
        switch self {
        case .exact: "exact"
        case .bits: "bits"
        case .recomputed: "recomputed"
        }
    }

    /// For the quote and the verification record.
    package var json: JSON {
        switch self {
        case .exact(let vectors):
            ["class": "exact", "method": "freivalds-2^61-1", "vectors": .integer(Int64(vectors)), "soundness_bits": .integer(60 * Int64(vectors))]
        case .bits(let cells, let worstRows):
            ["class": "bits", "method": "cells-and-probes", "cells": .integer(Int64(cells)), "worst_rows": .integer(Int64(worstRows)), "probes": 8]
        case .recomputed:
            ["class": "recomputed", "method": "definition"]
        }
    }
}
