package import Wire

/// What is known of a device at one moment, for the history. nil: there is no such sensor, or it can't be read.
package struct DeviceSample: Sendable, Equatable {
    /// The device's name in the miner (`cpu`, `opencl:0`, …).
    package var device: String
    /// In °C.
    package var temperature: Double?
    /// In watts.
    package var power: Double?
    /// The share of the time that the governor lets it work, 0…1.
    package var duty: Double?

    package init(device: String, temperature: Double? = nil, power: Double? = nil, duty: Double? = nil) {
        (self.device, self.temperature, self.power, self.duty) = (device, temperature, power, duty)
    }
}

/// Something that belongs into the history, with the time it happened at.
package enum HistoryEntry: Sendable, Equatable {
    case sample(DeviceSample, at: Int64)
    /// A computation: its operations and its length in seconds, ending at `at`.
    case computed(device: String, operations: Double, seconds: Double, at: Int64)
    /// What was done in the moments up to `at`.
    case work(HistoryWork, at: Int64)
    /// `reason` is a `WorkReason` or a problem's code.
    case event(name: String, reason: String?, facts: JSON, atMilliseconds: Int64)
}

/// Counts over a stretch of time; `earned` is what came to the payout address, in base units.
package struct HistoryWork: Sendable, Equatable {
    /// Computations that came to an end.
    package var jobs: Int64 = 0
    package var failed: Int64 = 0
    package var rejected: Int64 = 0
    /// Receipts whose claim is in a block, and their compute units.
    package var paid: Int64 = 0
    package var units: Int64 = 0
    package var earned: Int64 = 0

    package init() {}

    var json: JSON {
        [
            "jobs": .integer(jobs), "failed": .integer(failed), "rejected": .integer(rejected), "paid": .integer(paid), "units": .integer(units),
            "earned": .integer(earned),
        ]
    }
}

/// How fine the history is, and for how long. Every figure goes into each level at once, so nothing has to be thinned later but by forgetting.
enum HistoryLevel {
    static let day: Int64 = 86_400

    /// Seconds of a step, and how long such steps are kept. At most 8,640 + 8,928 + 17,520 rows a device.
    static let samples: [(step: Int64, kept: Int64)] = [(10, day), (300, 31 * day), (3600, 730 * day)]
    /// Of jobs and earnings: fine enough for "the last hour".
    static let work: [(step: Int64, kept: Int64)] = [(60, day + 3600), (3600, 730 * day)]
    /// The newest events are kept, at most about 600 bytes each.
    static let events = 5_000
    /// Devices beyond so many are not kept: names come from drivers.
    static let devices = 64
    /// The most points in an answer, so that a chart is drawn at once.
    static let points: Int64 = 400
    /// So many steps may be put together for a point.
    static let groups: [Int64] = [1, 2, 3, 6, 12, 24, 48]
}
