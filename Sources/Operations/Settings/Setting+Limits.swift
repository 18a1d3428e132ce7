/// What an operator allows a miner. All may be changed while it runs.
extension Setting {
    package static let limits: [Setting] = [
        minerThreads, minerCores, minerMemory, minerOpenCLMemory, minerDisk, minerBandwidth, minerJobs, minerKernels, minerDtypes, minerPriceFloor,
        minerIdleOnly, minerBattery, minerSchedule, minerTemperature, minerTemperatureMax, minerPower, minerUtilisation,
    ]

    package static let minerThreads = limit(.threads, "Threads that kernels may use.", words: "off (all that the process may use)")
    package static let minerCores = limit(.cores, "Logical processors that the miner may run on, by their numbers in Linux.", words: "off (all)")
    package static let minerMemory = limit(
        .memoryMB, "The most memory for tensors, in MiB, of one job and of all that are computed at one time; also what is registered.",
        words: "off (three quarters of what the process may use)")
    package static let minerOpenCLMemory = limit(
        .openclMemoryMB, "The most memory that jobs take on each OpenCL device, in MiB.", words: "off (four fifths of the device's)")
    package static let minerDisk = limit(.diskMB, "Disk for inputs that are kept for later jobs and outputs that wait, in MiB.", words: "off (no limit)")
    package static let minerBandwidth = limit(.bandwidthKB, "Transfers in each direction, in KiB a second.", words: "off (no limit)")
    package static let minerJobs = limit(.jobs, "Leases held at one time.", words: "off (the miner's choice)")
    package static let minerKernels = limit(.kernels, "Kernels that may run here.", words: "off (all)")
    package static let minerDtypes = limit(.dtypes, "Number formats that jobs may come in.", words: "off (all)")
    package static let minerPriceFloor = limit(
        .priceFloor, "The least price, in base units for a compute unit of 10^6 operations.", words: "off (any price)")
    package static let minerIdleOnly = limit(.idleOnly, "Work only while nobody uses the machine and other programs leave the processor alone.")
    package static let minerBattery = limit(.battery, "Work on battery power, too.")
    package static let minerSchedule = limit(
        .schedule, "When work may run, in local time. Hours that end at or before their beginning go on into the next day.", words: "off (always)")
    package static let minerTemperature = limit(
        .temperature, "Each device is slowed down to stay below it, in degrees Celsius.", words: "off (not looked at)")
    package static let minerTemperatureMax = limit(
        .temperatureMax, "Work stops before a device reaches it, in degrees Celsius; above MINER_TEMPERATURE.", words: "off (not looked at)")
    package static let minerPower = limit(.power, "Each device is slowed down to stay below it, in watts.", words: "off (not looked at)")
    package static let minerUtilisation = limit(
        .utilisation, "The share of the time that each device may work, in per cent.", words: "off (all the time)")

    private static func limit(_ name: LimitName, _ help: String, words: String? = nil) -> Setting {
        Setting("MINER_\(name.rawValue.uppercased())", [.miner], .limit(name), "off", words: words, live: true, help)
    }
}
