/// The operator's limits by the names that files, `adit miner set` and the environment (`MINER_` before it, in upper case) use.
package enum LimitName: String, CaseIterable, Sendable {
    case threads, cores
    case memoryMB = "memory_mb"
    case openclMemoryMB = "opencl_memory_mb"
    case diskMB = "disk_mb"
    case bandwidthKB = "bandwidth_kb"
    case jobs, kernels, dtypes
    case priceFloor = "price_floor"
    case idleOnly = "idle_only"
    case battery, schedule, temperature
    case temperatureMax = "temperature_max"
    case power, utilisation

    /// The integers that it takes, where it takes one; nil for those that are words or lists. Each also takes `off`: no limit.
    var integers: ClosedRange<Int64>? {
        switch self {
        // More threads than any machine has processors are a slip.
        case .threads: 0...4096
        case .memoryMB, .openclMemoryMB, .diskMB: 0...1 << 30
        // 1 TB/s at most.
        case .bandwidthKB: 0...1 << 30
        case .jobs: 0...1024
        // Of a coordinator's price per unit; see COORDINATOR_RATIO's neighbour PRICE_PER_UNIT.
        case .priceFloor: 0...1_000_000_000
        // Below 30 °C no processor stays in a warm room; above 110 °C every maker's own protection acts.
        case .temperature, .temperatureMax: 30...115
        case .power: 1...100_000
        case .utilisation: 1...100
        case .cores, .kernels, .dtypes, .idleOnly, .battery, .schedule: nil
        }
    }

    /// Whether 0 stands for "no limit", as the settings of threads and memory always had it.
    var zeroIsOff: Bool { integers?.lowerBound == 0 }

    /// What may be written, for help and for errors.
    package var range: String {
        if let integers {
            return zeroIsOff
                ? "an integer from 1 to \(integers.upperBound), or 0 or off for no limit"
                : "a number from \(integers.lowerBound) to \(integers.upperBound), or off"
        }
        switch self {
        case .cores: return "numbers and ranges of processors such as 0-3,8, or off"
        case .kernels: return "names with commas between, such as gemm,compute, or off for all"
        case .dtypes: return "names with commas between, such as f32,i8, or off for all"
        case .schedule: return "days and hours such as \(WeeklySchedule.example), or off for always"
        default: return "on or off"
        }
    }
}
