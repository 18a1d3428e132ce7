import Foundation

/// Holds a device under its target power: the duty that it may work at. Power follows the work at once, so this takes no model of time.
struct PowerControl: Sendable, Equatable {
    /// Share of the target that is aimed at: two standard deviations of RAPL's and NVML's error of 1.5 %.
    private static let aim = 0.97
    /// The first duty, and the most that it grows by in a second: the target is met from below.
    private static let first = 0.25
    private static let growth = 1.15
    /// Kept for looking whether there is room again, where even an idle device takes more than its target.
    private static let least = 0.02
    /// Less work than this says nothing about the power of work.
    private static let telling = 0.01
    /// Seconds without a first reading after which there is no sensor: a counter of energy has a power from its second reading on.
    private static let unknownAfter = 2.0

    private var allowed = PowerControl.first
    /// Of a reading, or of the first call.
    private var lastReading: Double?
    private var isKnown = false
    private var last: Double?
    private(set) var isLost = false

    /// - Parameters:
    ///   - reading: mean power since the last call, in watts; nil if it can't be read.
    ///   - worked: share of the time since the last call that the device worked, 0…1.
    /// - Returns: the duty until the next call, 0…1.
    mutating func step(_ reading: Double?, worked: Double, target: Double, at time: Double) -> Double {
        let seconds = min(max(0, time - (last ?? time)), 10)
        last = time
        lastReading = lastReading ?? time
        guard let reading, reading.isFinite, reading >= 0, reading < 1e6 else {
            isLost = time - (lastReading ?? time) > (isKnown ? TemperatureControl.lostAfter : Self.unknownAfter)
            // Nothing grows unseen, and half of what was held is safe whatever runs.
            return isLost ? allowed / 2 : allowed
        }
        (lastReading, isKnown, isLost) = (time, true, false)
        var next = allowed * pow(Self.growth, seconds)
        // As if all power came from the work: what an idle device takes makes this err to the safe side, and vanishes step by step.
        if worked > Self.telling, reading > 0 { next = min(next, worked * Self.aim * target / reading) }
        // An idle device says nothing, and must not find the pace grown beyond what was ever seen.
        if worked <= Self.telling { next = allowed }
        allowed = min(max(next, Self.least), 1)
        return allowed
    }
}
