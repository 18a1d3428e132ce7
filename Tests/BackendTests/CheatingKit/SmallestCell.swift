import Foundation
import Kernels
import TestSupport

/// The smallest error of a single cell that was caught in every trial.
enum SmallestCell {
    /// The last bit: of an integer, 1.
    case lastBit
    /// Of its row's root mean square (a vector's: of all its elements').
    case share(Double)
    /// Not even one as large as the row.
    case none

    /// Bisects the error's exponent, in steps of 2^(1/4), as if a larger one were never harder to catch.
    static func find(_ job: CheatedJob, _ output: Int, trials: Int, _ workshop: Workshop, _ random: inout TestRandom) throws -> SmallestCell {
        let rows = job.rows[output]
        let places = job.surePlaces[rows.tensor.name] ?? [0..<rows.values.count]
        func isCaught(_ change: (inout Rows, Int) -> Void) throws -> Bool {
            for _ in 0..<trials {
                let range = places[Int(random.next() % UInt64(places.count))]
                var wrong = rows
                change(&wrong, range.lowerBound + Int(random.next() % UInt64(range.count)))
                let outputs = Array(job.right[..<output]) + [try wrong.made()] + Array(job.right[(output + 1)...])
                if try !job.verify(outputs, workshop, &random).isCaught { return false }
            }
            return true
        }
        if try isCaught({ $0.flipLastBit($1) }) { return .lastBit }
        func isCaught(quarters: Int) throws -> Bool {
            let share = Foundation.exp2(Double(quarters) / 4)
            return try isCaught { $0.set($1, rows.values[$1] + share * rows.rms($1 / rows.columns)) }
        }
        guard try isCaught(quarters: 0) else { return .none }
        var (caught, missed) = (0, -4 * 52)
        while caught - missed > 1 {
            let middle = (caught + missed) / 2
            if try isCaught(quarters: middle) { caught = middle } else { missed = middle }
        }
        return .share(Foundation.exp2(Double(caught) / 4))
    }

    func text(_ isInteger: Bool) -> String {
        switch self {
        case .lastBit: isInteger ? "1" : "its last bit"
        case .share(let share): String(format: "%.1e", share)
        case .none: "none: it is seen when its part is drawn"
        }
    }
}
