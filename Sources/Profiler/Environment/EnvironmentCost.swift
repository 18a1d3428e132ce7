package import Wire

/// Something around the program that costs speed or work: what was found, what it costs, and the command that mends it.
package struct EnvironmentCost: Sendable, Equatable {
    /// Stable names.
    package enum Code: String, CaseIterable, Sendable {
        case blasCoreType = "blas_core_type"
        case blasThreads = "blas_threads"
        case threadLimit = "thread_limit"
        case groupCores = "cgroup_cores"
        case affinity
        case groupMemory = "cgroup_memory"
        case clockGovernor = "clock_governor"
        case turboOff = "turbo_off"
        case hugePagesOff = "huge_pages_off"
        case otherPrograms = "other_programs"
        case stolenTime = "stolen_time"
        case overheated
    }

    package let code: Code
    package let found: String
    package let cost: String
    package let remedy: String
    /// What is left of the speed, 0…1, where it was measured or follows from the kernel's figures; nil: not known.
    package let share: Double?

    package init(_ code: Code, found: String, cost: String, remedy: String, share: Double? = nil) {
        (self.code, self.found, self.cost, self.remedy) = (code, found, cost, remedy)
        self.share = share.flatMap { $0.isFinite ? min(1, max(0, $0)) : nil }
    }

    package var json: JSON {
        [
            "code": .string(code.rawValue), "found": .string(found), "cost": .string(cost), "remedy": .string(remedy),
            "share": share.map { .real(($0 * 1_000).rounded() / 1_000) } ?? .null,
        ]
    }
}
