import Operations
import Wire

/// What can be said of one device at one moment. nil: can't be read.
struct DeviceFigures: Sendable {
    let name: String
    let isUsable: Bool
    /// Share of the time that it may work, 0…1.
    let duty: Double
    /// Share of the last minute that it computed for this miner, 0…1.
    let busy: Double
    let reading: SensorReading
    /// Energy since the start.
    let joules: Double?
    /// Energy of a compute unit, idle time included.
    let joulesPerUnit: Double?
    let jobs: Int64
    let units: Int64
    let failures: Int

    var members: [(String, JSON)] {
        var members: [(String, JSON)] = [
            ("duty", Self.rounded(duty)), ("busy", Self.rounded(busy)), ("jobs", .integer(jobs)), ("compute_units", .integer(units)),
        ]
        for (name, value) in [
            ("temperature", reading.temperature), ("watts", reading.power), ("utilisation", reading.utilisation), ("joules", joules),
            ("joules_per_unit", joulesPerUnit),
        ] {
            if let value, value.isFinite { members.append((name, Self.rounded(value))) }
        }
        return members
    }

    /// To a thousandth, whatever a sensor says.
    private static func rounded(_ value: Double) -> JSON { .real(abs(value) < 1e12 ? (value * 1_000).rounded() / 1_000 : value) }
}
