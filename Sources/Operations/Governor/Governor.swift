package import Jobs
import Wire

/// How fast a device may work until it is asked again.
package struct Pace: Sendable, Equatable {
    /// Share of the device's full speed, 0…1; 0: nothing runs.
    package var duty: Double
    /// Threads that compute, ≥ 1 and at most all. Whoever gives the device as many lets them work duty × all / threads of the time.
    package var threads: Int
    /// Share of the usual size of a piece of work between two pauses, ⅛…1: the slower the pace, the smaller the pieces, so that pieces and pauses stay
    /// shorter than the seconds in which heat moves.
    package var batchShare: Double
    /// What slows it down; nil at full speed.
    package var reason: WorkReason?

    package init(duty: Double, threads: Int, batchShare: Double, reason: WorkReason?) {
        (self.duty, self.threads, self.batchShare, self.reason) = (duty, threads, batchShare, reason)
    }
}

/// Holds one device under its targets for temperature, power and utilisation: slows it down before a limit is crossed and lets it go again.
///
/// A value: `step` is given a reading, the work that was really done and the time, about twice a second (four times at most, once in two seconds at
/// least), and says the pace until the next. Targets may change at any time.
package struct Governor: Sendable, Equatable {
    /// What the device is held to.
    package var targets: GovernorTargets
    /// Threads at full speed, ≥ 1; 1 for an accelerator.
    package var threads: Int
    private var temperature = TemperatureControl()
    private var power = PowerControl()
    private var lastDuty = 0.0
    private var slowed = Latch(offAfter: .zero)
    private var shown: WorkReason?

    package init(targets: GovernorTargets, threads: Int = 1) { (self.targets, self.threads) = (targets, max(1, threads)) }

    /// - Parameters:
    ///   - reading: of the device's sensors, now.
    ///   - worked: share of full speed that the device really worked at since the last call, 0…1; nil takes the pace that was given.
    ///   - now: monotonic.
    package mutating func step(_ reading: SensorReading, worked: Double?, at now: Duration) -> Pace {
        let time = now.seconds
        let worked = worked.map { $0.isFinite ? min(max($0, 0), 1) : 0 } ?? lastDuty
        var duty = 1.0
        var reason: WorkReason?
        func take(_ other: Double, _ why: WorkReason) { if other < duty { (duty, reason) = (other, why) } }
        if let limits = targets.limits {
            let allowed = temperature.step(reading.temperature, worked: worked, target: limits.target, hard: limits.hard, at: time)
            take(allowed, temperature.isLost ? .sensorLost : .temperature)
        }
        if let watts = targets.power { take(power.step(reading.power, worked: worked, target: watts, at: time), power.isLost ? .sensorLost : .power) }
        if let share = targets.utilisation { take(share, .utilisation) }
        lastDuty = duty
        return pace(duty, reason, at: now)
    }

    private mutating func pace(_ duty: Double, _ reason: WorkReason?, at now: Duration) -> Pace {
        // Noise alone takes a per cent or two for a moment: no reason worth a word, until it lasts.
        slowed.update(rises: duty < 0.97, falls: duty >= 1, at: now)
        shown = slowed.isOn ? (reason ?? shown) : nil
        // First fewer threads, then pauses: idle cores cost nothing, and a pause in each of them would make all wait for one another.
        let active = min(threads, max(1, Int((duty * Double(threads)).rounded(.up))))
        return Pace(duty: duty, threads: active, batchShare: min(1, max(0.125, duty)), reason: shown)
    }
}

extension GovernorTargets {
    /// °C between target and hard limit where only one of them is given: the 2 °C that may be overshot, and as much again and more for sensors that
    /// other parts of the machine warm.
    package static let usualMargin = 5.0

    /// Target and hard limit of temperature; nil where neither is set.
    package var limits: (target: Double, hard: Double)? {
        switch (temperature, hardTemperature) {
        case (nil, nil): nil
        case (.some(let target), nil): (target, target + Self.usualMargin)
        case (nil, .some(let hard)): (hard - Self.usualMargin, hard)
        case (.some(let target), .some(let hard)): (min(target, hard - Self.leastMargin), hard)
        }
    }
}
