import Wire

/// Energy from readings of power, and what a compute unit took of it. nil: unknown; what no sensor shows is not guessed.
package struct EnergyMeter: Sendable, Equatable {
    /// Seconds between two readings beyond which the energy in between is unknown: a suspend, or a sensor that was gone.
    private static let longestGap = 30.0

    /// Energy so far, in joules, of the time that a sensor covered; nil before the second reading.
    package private(set) var joules: Double?
    /// Compute units done in the covered time.
    package private(set) var units = 0.0
    private var last: Duration?

    package init() {}

    /// Takes a reading.
    ///
    /// - Parameters:
    ///   - power: mean since the reading before, in watts.
    ///   - units: compute units done since the reading before, ≥ 0.
    package mutating func add(power: Double?, units: Double, at now: Duration) {
        defer { last = now }
        guard let last, now > last else { return }
        let seconds = (now - last).seconds
        guard let power, power.isFinite, power >= 0, seconds <= Self.longestGap else { return }
        joules = (joules ?? 0) + power * seconds
        if units.isFinite, units > 0 { self.units += units }
    }

    /// What one compute unit took, idle time included; nil while nothing was done or measured.
    package var joulesPerUnit: Double? {
        guard let joules, units > 0 else { return nil }
        return joules / units
    }
}
