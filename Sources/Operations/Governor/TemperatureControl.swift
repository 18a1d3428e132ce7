/// Holds a device just under its target temperature: the duty that it may work at, from what its sensor says.
///
/// A predictive controller (Smith's: it acts on the temperature that will show when the present work does) with the estimates of `HeatModel`; the
/// estimate of `cold` takes the place of an integrator, and since the model hears of the work that was really done, nothing winds up while the
/// device is idle or at full speed.
struct TemperatureControl: Sendable, Equatable {
    /// °C below the target: when the surroundings get 15 °C hotter at once, a body of τ = 20 s is 15 (1 − e^(−4/20)) = 2.7 °C hotter before the
    /// delay of 2 s and the 1.5 to 2 s until it is told from noise are over. At most 2 °C over the target are promised, and half a degree is
    /// for the noise. Every degree costs 2 % of the throughput in a room 50 °C below the target.
    static let margin = 1.2
    /// Seconds in which the temperature is to come to its aim, from below and from above: four and two delays. A closed loop of one delay is the
    /// fastest that stands an error of the gain by half (Skogestad 2003, SIMC); heat goes away more eagerly than it is let in.
    private static let rise = 4 * HeatModel.delay
    private static let fall = 2 * HeatModel.delay
    /// °C over the target from which nothing runs: until then there is still a use for half measures.
    private static let brake = 0.3
    /// Seconds without a reading that the model bridges alone, and until the loss is told.
    private static let bridged = 2.0
    static let lostAfter = 10.0
    /// Share of the duty that held the target, while there is no reading: 15 °C more around a device 50 °C above the room at that duty make it
    /// 0.6 · 50 + 15 = 45 °C warmer than it, in a room 35 °C below it 36 °C.
    private static let careful = 0.6
    /// Duty where nothing was ever read, and nothing is known.
    private static let blind = 0.5
    /// Seconds after which an old estimate is worth nothing, such as after a suspend.
    private static let longestStep = 10.0

    private var model: HeatModel?
    private var check = SensorCheck()
    private var history = WorkHistory()
    private var last: Double?
    private var lastReading: Double?
    private var held = TemperatureControl.blind
    private var isStopped = false

    /// Whether the target has been without a believable reading for a while.
    private(set) var isLost = false

    /// - Parameters:
    ///   - reading: of the sensor, in °C; nil if there is none.
    ///   - worked: share of the time since the last call that the device worked, 0…1.
    ///   - time: seconds, monotonic.
    /// - Returns: the duty until the next call, 0…1.
    mutating func step(_ reading: Double?, worked: Double, target: Double, hard: Double, at time: Double) -> Double {
        let start = last ?? time
        let seconds = max(0, time - start)
        last = max(time, start)
        lastReading = lastReading ?? time
        if seconds > Self.longestStep { model = nil }
        history.append(from: start, to: time, duty: worked)
        model?.advance(seconds, duty: history.mean(from: time - HeatModel.delay - seconds, to: time - HeatModel.delay))

        let isRead = take(reading, worked, time)
        let silence = time - (lastReading ?? time)
        isLost = silence > Self.lostAfter
        guard let model else { return Self.blind }

        let ahead = model.forecast(history.between(time - HeatModel.delay, time))
        let error = target - Self.margin - ahead
        var duty = model.duty(slope: error / (error > 0 ? Self.rise : Self.fall), at: ahead)
        if ahead > target + Self.brake { duty = 0 }
        // Two words for the hard limit: the estimate, and whatever the sensor says, believed or not.
        if ahead >= hard || (reading ?? -.infinity) >= hard { isStopped = true } else if ahead < target { isStopped = false }
        duty = isStopped ? 0 : min(max(duty, 0), 1)
        if isRead {
            held += (duty - held) * min(1, seconds / Self.longestStep)
        } else if silence > Self.bridged {
            // Of what held it and of what the model says would: each of them is wrong for a while after the way up.
            duty = min(duty, Self.careful * min(held, max(0, model.duty(slope: 0, at: target - Self.margin))))
        }
        return duty
    }

    /// Whether there was a reading to believe.
    private mutating func take(_ reading: Double?, _ worked: Double, _ time: Double) -> Bool {
        switch check.judge(reading, forecast: model?.temperature, duty: worked, at: time) {
        case .missing: return false
        case .plausible(let value):
            if model == nil { model = HeatModel(temperature: value) }
            model?.correct(value)
        case .moved(let value): model = HeatModel(temperature: value)
        }
        lastReading = time
        return true
    }
}
