/// What an operator allows a miner: every limit of the machine's use, as one value that can be replaced while it runs.
///
/// Pure data: reading it from settings and holding the miner to it are others' work. nil stands for "no limit".
package struct OperatorLimits: Sendable, Equatable {
    /// Threads that compute, ≥ 1.
    package var threads: Int?
    /// Logical processors that the miner may run on, by their numbers in Linux; never empty.
    package var cores: Set<Int>?
    /// Memory for one job's tensors, in bytes.
    package var memoryBytes: Int64?
    /// Memory for jobs on each accelerator, in bytes.
    package var deviceMemoryBytes: Int64?
    /// Disk for inputs kept for later jobs and outputs that wait, in bytes.
    package var diskBytes: Int64?
    /// Transfers in each direction, in bytes per second.
    package var bytesPerSecond: Int64?
    /// Leases held at one time, ≥ 1.
    package var jobsAtOnce: Int?
    /// Kernels that may run, by name (`gemm`, …); never empty.
    package var kernels: Set<String>?
    /// Number formats that may come in, by name (`f32`, …); never empty.
    package var dtypes: Set<String>?
    /// The least price, in base units per compute unit.
    package var priceFloor: Int64?
    /// Work only while nobody uses the machine.
    package var idleOnly = false
    /// Work on battery power, too.
    package var onBattery = false
    /// When work may run.
    package var schedule: WeeklySchedule?
    /// What the governor holds every device to.
    package var targets = GovernorTargets()

    package init() {}
}

/// What a governor holds a device to. nil: not looked at.
package struct GovernorTargets: Sendable, Equatable {
    /// The least room in °C between target and hard limit: 2 °C that the governor may overshoot, and two steps of 0.5 °C of a sensor's noise.
    package static let leastMargin = 3.0

    /// Kept below it, in °C.
    package var temperature: Double?
    /// Work stops before it is reached, in °C; above `temperature`.
    package var hardTemperature: Double?
    /// Kept below it, in watts.
    package var power: Double?
    /// Share of the time that the device works, 0 < u ≤ 1.
    package var utilisation: Double?

    package init() {}
}
