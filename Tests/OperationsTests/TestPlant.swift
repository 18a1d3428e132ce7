import Foundation
import Jobs
import Operations
import TestSupport

/// A device to govern: heat as a first-order body, with dead time, noise, drop-outs and weather, all from one seed.
///
/// Two steps a second; between them the body's temperature is the exact solution for a constant duty.
struct TestPlant {
    /// Seconds between two steps, and steps of dead time: 2 s.
    static let step = 0.5
    static let dead = 4

    /// Seconds.
    var timeConstant: Double
    /// °C above the surroundings at full duty.
    var gain: Double
    /// °C.
    var ambient: Double
    /// When the surroundings become 15 °C hotter, and cool again, in seconds.
    var hotFrom: Double
    var hotUntil: Double
    /// Whether the dead time lies before the heat (power follows late) or behind it (the sensor does).
    var isInputLate: Bool
    /// °C, standard deviation.
    var noise = 0.5
    /// Seconds between drop-outs and mean length of one.
    var dropsOutEvery = 120.0
    var dropsOutFor = 4.0
    /// °C; the sensor's step, 0 for none.
    var resolution = 0.0

    private var random: TestRandom

    /// τ in 20…90 s, gain of 65 °C ± 50 %, 18…30 °C of surroundings.
    init(seed: UInt64) {
        var random = TestRandom(seed)
        timeConstant = 20 + 70 * random.unit()
        gain = 65 * (0.5 + random.unit())
        ambient = 18 + 12 * random.unit()
        hotFrom = 350 + 150 * random.unit()
        hotUntil = hotFrom + 200 + 150 * random.unit()
        isInputLate = seed % 2 == 1
        self.random = random
    }

    struct Result {
        /// °C that the body was over the target at most; negative if it never was.
        var overshoot = -Double.infinity
        /// When that was, in seconds.
        var peak = 0.0
        /// Work done over the work that the limit allows: of a controller that knows the plant, the weather and the true temperature, heats up at full
        /// speed and then holds the target exactly.
        var throughput = 0.0
        var reasons: Set<String> = []
    }

    /// - Parameter lie: what the sensor says instead, at a time and a true reading.
    mutating func run(_ governor: inout Governor, target: Double, seconds: Double = 800, lie: (Double, Double?) -> Double? = { $1 }) -> Result {
        var result = Result()
        var body = ambient
        var late = Array(repeating: isInputLate ? 0 : body, count: Self.dead)
        var (work, best, duty) = (0.0, 0.0, 0.0)
        var ideal = body
        var (dropsOut, isBack) = (exponential(dropsOutEvery), -1.0)
        let kept = exp(-Self.step / timeConstant)
        for index in 0..<Int(seconds / Self.step) {
            let time = Double(index) * Self.step
            let around = ambient + (hotFrom..<hotUntil ~= time ? 15 : 0)
            if time > dropsOut {
                isBack = dropsOut + min(exponential(dropsOutFor), 30)
                dropsOut = isBack + exponential(dropsOutEvery)
            }
            var shown = (isInputLate ? body : late[index % Self.dead]) + noise * gauss()
            if resolution > 0 { shown = (shown / resolution).rounded() * resolution }
            let reading = lie(time, time < isBack ? nil : shown)
            let pace = governor.step(SensorReading(temperature: reading), worked: index == 0 ? 0 : duty, at: .milliseconds(Int(time * 1000)))
            duty = pace.duty
            if let reason = pace.reason { result.reasons.insert(reason.rawValue) }
            let heating = isInputLate ? late[index % Self.dead] : duty
            late[index % Self.dead] = isInputLate ? duty : body
            let rest = around + gain * heating
            body = rest + (body - rest) * kept
            if body - target > result.overshoot { (result.overshoot, result.peak) = (body - target, time) }
            work += duty
            let most = min(1, max(0, ((target - ideal * kept) / (1 - kept) - around) / gain))
            ideal = around + gain * most + (ideal - around - gain * most) * kept
            best += most
        }
        result.throughput = work / best
        return result
    }

    private mutating func exponential(_ mean: Double) -> Double { -mean * log(1 - random.unit()) }

    /// Box and Muller.
    private mutating func gauss() -> Double { (-2 * log(1 - random.unit())).squareRoot() * cos(2 * .pi * random.unit()) }
}
