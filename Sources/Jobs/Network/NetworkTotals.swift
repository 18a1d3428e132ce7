package import Ledger
import Wire

/// What a coordinator's network has done so far.
package struct NetworkTotals: Sendable, Equatable {
    /// Jobs whose output was accepted and signed for, and their compute units.
    package private(set) var jobsDone: Int64 = 0
    package private(set) var unitsDone: Int64 = 0
    /// Of those, the ones whose claim is in a block.
    package private(set) var jobsPaid: Int64 = 0
    package private(set) var unitsPaid: Int64 = 0
    /// In base units: the prices of those jobs, as their clients paid them.
    package private(set) var paid: Int64 = 0

    package init() {}

    package mutating func add(done terms: ReceiptTerms) { add(jobs: 1, units: terms.computeUnits, price: terms.price, arePaid: false) }

    /// The claim of a job that was counted as done before.
    package mutating func add(paid terms: ReceiptTerms) {
        jobsPaid = Self.sum(jobsPaid, 1)
        unitsPaid = Self.sum(unitsPaid, terms.computeUnits)
        paid = Self.sum(paid, terms.price)
    }

    /// Jobs with an accepted output, which are paid or not.
    package mutating func add(jobs: Int64, units: Int64, price: Int64, arePaid: Bool) {
        jobsDone = Self.sum(jobsDone, jobs)
        unitsDone = Self.sum(unitsDone, units)
        guard arePaid else { return }
        jobsPaid = Self.sum(jobsPaid, jobs)
        unitsPaid = Self.sum(unitsPaid, units)
        paid = Self.sum(paid, price)
    }

    /// Stays at 2^53−1 rather than be refused: a figure for people.
    private static func sum(_ left: Int64, _ right: Int64) -> Int64 { left + min(max(0, right), JSON.maxInteger - left) }

    init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "totals")
        jobsDone = try fields.integer("jobsDone")
        unitsDone = try fields.integer("unitsDone")
        jobsPaid = try fields.integer("jobsPaid")
        unitsPaid = try fields.integer("unitsPaid")
        paid = try fields.integer("paid")
    }

    var json: JSON {
        [
            "jobsDone": .integer(jobsDone), "unitsDone": .integer(unitsDone), "jobsPaid": .integer(jobsPaid), "unitsPaid": .integer(unitsPaid),
            "paid": .integer(paid),
        ]
    }
}
