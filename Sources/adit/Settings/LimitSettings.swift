import ArgumentParser
import Operations
import Wire

/// What the settings allow a miner.
enum LimitSettings {
    /// - Parameter flags: values of the command line, by the setting's name.
    /// - Throws: `wrong_usage` for a value that can't be read.
    static func limits(_ settings: Settings, flags: [String: String] = [:]) throws(Problem) -> OperatorLimits {
        do throws(Problem) {
            return try OperatorLimits { settings.given($0, flags[$0.name]) }
        } catch {
            throw Problem(.wrongUsage, error.detail)
        }
    }

    /// Threads to compute with; nil for all that the process may use.
    /// - Throws: `out_of_range` for more than there are, as for a miner.
    static func threads(_ settings: Settings, _ flag: Int?) throws(Problem) -> Int? {
        try threads(of: try limits(settings, flags: flag.map { [Setting.minerThreads.name: String($0)] } ?? [:]))
    }

    /// Those of limits, likewise. The other limits are a miner's affair.
    static func threads(of limits: OperatorLimits) throws(Problem) -> Int? {
        var alone = OperatorLimits()
        alone.threads = limits.threads
        if let contradiction = alone.contradictions(on: .here).first { throw contradiction }
        return limits.threads
    }
}

/// The limits as options of the command line. Texts, so that they read as in a file.
struct LimitOptions: ParsableArguments {
    @Option(help: "Threads to compute with; all cores where not given (MINER_THREADS).") var threads: String?
    @Option(help: "Processors to run on, such as 0-3,8 (MINER_CORES).") var cores: String?
    @Option(name: .customLong("memory-mb"), help: "The most memory for a job, in MiB (MINER_MEMORY_MB).") var memoryMB: String?
    @Option(name: .customLong("disk-mb"), help: "Disk for inputs and outputs, in MiB (MINER_DISK_MB).") var diskMB: String?
    @Option(name: .customLong("bandwidth-kb"), help: "Transfers in each direction, in KiB a second (MINER_BANDWIDTH_KB).") var bandwidthKB: String?
    @Option(help: "Leases held at one time (MINER_JOBS).") var jobs: String?
    @Option(name: .customLong("price-floor"), help: "The least price of a compute unit, in base units (MINER_PRICE_FLOOR).") var priceFloor: String?
    @Option(name: .customLong("idle-only"), help: "on: work only while nobody uses the machine (MINER_IDLE_ONLY).") var idleOnly: String?
    @Option(help: "When work may run, such as \"mon-fri 18:00-08:00\" (MINER_SCHEDULE).") var schedule: String?
    @Option(help: "Stay below this temperature, in degrees Celsius (MINER_TEMPERATURE).") var temperature: String?
    @Option(help: "Stay below this power, in watts (MINER_POWER).") var power: String?
    @Option(help: "The share of the time that devices work, in per cent (MINER_UTILISATION).") var utilisation: String?

    /// What was given, by the setting's name.
    var flags: [String: String] {
        Setting.values(
            (.minerThreads, threads), (.minerCores, cores), (.minerMemory, memoryMB), (.minerDisk, diskMB), (.minerBandwidth, bandwidthKB),
            (.minerJobs, jobs), (.minerPriceFloor, priceFloor), (.minerIdleOnly, idleOnly), (.minerSchedule, schedule),
            (.minerTemperature, temperature), (.minerPower, power), (.minerUtilisation, utilisation))
    }
}
