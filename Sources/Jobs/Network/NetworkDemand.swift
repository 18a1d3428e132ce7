package import Wire

/// What clients paid for within the last day: jobs whose output was accepted, by the hour in which it was.
///
/// Work that nobody did, or that was refunded, is not in it.
package struct NetworkDemand: Sendable, Equatable {
    package struct Sum: Sendable, Equatable {
        package private(set) var jobs: Int64 = 0
        package private(set) var units: Int64 = 0
        /// In base units: the prices, before anything is burned.
        package private(set) var paid: Int64 = 0

        package init(jobs: Int64 = 0, units: Int64 = 0, paid: Int64 = 0) { (self.jobs, self.units, self.paid) = (jobs, units, paid) }

        /// Stays at 2^53−1 rather than be refused: a figure for people.
        package static func + (left: Sum, right: Sum) -> Sum {
            func sum(_ left: Int64, _ right: Int64) -> Int64 { left + min(max(0, right), JSON.maxInteger - left) }
            return Sum(jobs: sum(left.jobs, right.jobs), units: sum(left.units, right.units), paid: sum(left.paid, right.paid))
        }

        package static func += (left: inout Sum, right: Sum) { left = left + right }

        init(reading fields: inout JSONFields) throws(Problem) {
            jobs = try fields.integer("jobs")
            units = try fields.integer("units")
            paid = try fields.integer("paid")
        }

        var members: [(String, JSON?)] { [("jobs", .integer(jobs)), ("units", .integer(units)), ("paid", .integer(paid))] }
    }

    /// Hours counted: the running one and the 23 before it.
    package static let hours = 24
    package static let hourMilliseconds: Int64 = 3_600_000

    /// The begin of the oldest hour, and the coordinator's clock; Unix milliseconds.
    package let sinceMilliseconds: Int64
    package let untilMilliseconds: Int64
    package let total: Sum
    package let kernels: [String: Sum]
    /// Compute units of each hour, oldest first; the last one is not over.
    package let hourlyUnits: [Int64]

    package init(sinceMilliseconds: Int64, untilMilliseconds: Int64, kernels: [String: Sum], hourlyUnits: [Int64]) {
        (self.sinceMilliseconds, self.untilMilliseconds, self.kernels, self.hourlyUnits) = (sinceMilliseconds, untilMilliseconds, kernels, hourlyUnits)
        total = kernels.values.reduce(Sum(), +)
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "demand")
        sinceMilliseconds = try fields.integer("sinceMs")
        untilMilliseconds = try fields.integer("untilMs")
        total = try Sum(reading: &fields)
        guard case .object(let names) = try fields.value("kernels"), names.count <= 64 else {
            throw Problem(.wrongType, "\"kernels\" of demand is not an object of at most 64 members")
        }
        var kernels: [String: Sum] = [:]
        for (name, value) in names.members {
            var inner = try JSONFields(value, "a kernel's demand")
            kernels[try Identifier.check(name, "a kernel's name")] = try Sum(reading: &inner)
        }
        self.kernels = kernels
        hourlyUnits = try JSON.map(try fields.array("hourlyUnits", maxCount: Self.hours)) { (item) throws(Problem) in
            guard let units = item.integerValue, units >= 0 else { throw Problem(.wrongType, "\"hourlyUnits\" holds integers") }
            return units
        }
    }

    package var json: JSON {
        .members(
            [
                ("sinceMs", .integer(sinceMilliseconds)), ("untilMs", .integer(untilMilliseconds)),
                ("kernels", .members(kernels.map { ($0.key, .members($0.value.members)) })),
                ("hourlyUnits", .array(hourlyUnits.map { .integer($0) })),
            ] + total.members)
    }
}
