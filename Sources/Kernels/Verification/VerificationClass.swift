package import Wire

/// How an output is checked, and the figures a buyer may rely on (PROTOCOL section 9).
package enum VerificationClass: Sendable, Hashable {
    /// Freivalds over 2^61 − 1: a wrong output passes with at most 2^−60 per vector.
    case exact(vectors: Int)
    /// Secret cells and every suspicious row recomputed to the bit; a wrong share f of the cells passes them with (1−f)^cells.
    case bits(cells: Int, worstRows: Int)
    /// Secret Gaussian probes of every row against a bound that honest rounding keeps, filters for lower precisions, and a second look
    /// at the rows that stand out.
    case numeric(NumericFigures)
    /// A secret choice of an output's parts computed again: a wrong share f of them passes with (1−f)^checked.
    case sampled(SampledFigures)
    /// The condition that only the right answer meets, evaluated at the answer.
    case optimality(OptimalityFigures)
    /// Everything computed again and compared to the bit: no wrong output passes.
    case recomputed

    package var name: String {
        switch self {
        case .exact: "exact"
        case .bits: "bits"
        case .numeric: "numeric"
        case .sampled: "sampled"
        case .optimality: "optimality"
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
        case .numeric(let figures): figures.json
        case .sampled(let figures): figures.json
        case .optimality(let figures): figures.json
        case .recomputed:
            ["class": "recomputed", "method": "definition"]
        }
    }
}

/// What the class *numeric* promises (PROTOCOL section 9, "Numeric").
package struct NumericFigures: Sendable, Hashable {
    /// A row is suspicious above this R_i / T_i.
    package let rowLimit: Double
    /// A job gets a second look above this root mean square of R_i / T_i.
    package let rmsLimit: Double
    /// Lower precisions whose trace is looked for, such as `tf32`.
    package let filters: [String]
    /// Rows of the second look: the worst, and as many drawn at random; 0 where what isn't clear is refused at once.
    package let secondLookRows: Int
    /// Whether the sums are short enough for every promise; longer ones are only held to gross errors and unscaled lower precisions.
    package let isFull: Bool

    package init(rowLimit: Double, rmsLimit: Double, filters: [String], secondLookRows: Int, isFull: Bool = true) {
        (self.rowLimit, self.rmsLimit) = (rowLimit, rmsLimit)
        (self.filters, self.secondLookRows) = (filters, secondLookRows)
        self.isFull = isFull
    }

    /// Reals are strings, the shortest that read back the same.
    var json: JSON {
        [
            "class": "numeric", "method": "gaussian-probes", "probes": 8, "row_limit": .string("\(rowLimit)"), "rms_limit": .string("\(rmsLimit)"),
            "filters": .array(filters.map { .string($0) }), "second_look_rows": .integer(Int64(secondLookRows)),
            "promise": isFull ? "full" : "gross",
        ]
    }
}

/// What the class *sampled* promises: `checked` of `population` parts are computed again.
package struct SampledFigures: Sendable, Hashable {
    /// What a part is: `rows` or `segments`.
    package let unit: String
    package let population: Int
    package let checked: Int

    package init(unit: String, population: Int, checked: Int) {
        (self.unit, self.population, self.checked) = (unit, population, checked)
    }

    var json: JSON {
        ["class": "sampled", "method": "recomputation", "unit": .string(unit), "population": .integer(Int64(population)), "checked": .integer(Int64(checked))]
    }
}

/// What the class *optimality* promises: how far the answer's condition may be from zero, relative to the terms that it is a sum of.
package struct OptimalityFigures: Sendable, Hashable {
    /// The condition's name, such as `normal-equations`.
    package let condition: String
    /// The largest admitted residual, relative as `condition` defines.
    package let tolerance: Double

    package init(condition: String, tolerance: Double) {
        (self.condition, self.tolerance) = (condition, tolerance)
    }

    var json: JSON {
        ["class": "optimality", "method": .string(condition), "tolerance": .string("\(tolerance)")]
    }
}
