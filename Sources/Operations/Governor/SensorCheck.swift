/// Tells readings of a temperature that can be from those that can't: sensors lie (0, 127 and 255 are words for "broken"), jump and freeze.
struct SensorCheck: Sendable, Equatable {
    enum Verdict: Sendable, Equatable {
        case plausible(Double)
        /// Nothing, or nothing to believe.
        case missing
        /// Too far from what was expected, and said often enough now: the model begins anew from here.
        case moved(Double)
    }

    /// °C that a processor in a room, or one about to stop by itself, can have.
    private static let possible = -30.0...130.0
    /// °C from the forecast: twenty times the noise. A real processor's core does jump as far when work begins, but then it stays there.
    private static let farthest = 12.0
    /// Readings that have to agree within half of that, before a jump is believed.
    private static let witnesses = 3
    /// Seconds without any change of the reading while the work changed by `stirred`: no sensor is that exact. At τ = 90 s and 25 °C of rise
    /// it would have moved 3 °C.
    private static let frozenAfter = 60.0
    private static let stirred = 0.3

    private var suspect: Double?
    private var count = 0
    private var last: Double?
    private var unchangedSince = 0.0
    private var leastDuty = 1.0
    private var mostDuty = 0.0

    /// - Parameters:
    ///   - forecast: what the model expects; nil before the first reading.
    ///   - duty: the work since the reading before.
    ///   - time: seconds, monotonic.
    mutating func judge(_ reading: Double?, forecast: Double?, duty: Double, at time: Double) -> Verdict {
        guard let reading, Self.possible.contains(reading) else { return .missing }
        if isFrozen(reading, duty, time) { return .missing }
        guard let forecast, abs(reading - forecast) > Self.farthest else {
            (suspect, count) = (nil, 0)
            return .plausible(reading)
        }
        if let suspect, abs(suspect - reading) <= Self.farthest / 2 { count += 1 } else { count = 1 }
        suspect = reading
        guard count >= Self.witnesses else { return .missing }
        (suspect, count) = (nil, 0)
        return .moved(reading)
    }

    private mutating func isFrozen(_ reading: Double, _ duty: Double, _ time: Double) -> Bool {
        guard last == reading else {
            (last, unchangedSince, leastDuty, mostDuty) = (reading, time, duty, duty)
            return false
        }
        leastDuty = min(leastDuty, duty)
        mostDuty = max(mostDuty, duty)
        return time - unchangedSince > Self.frozenAfter && mostDuty - leastDuty > Self.stirred
    }
}
