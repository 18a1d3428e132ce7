import Foundation

/// What is known of a device's heat: a Kalman filter over three numbers that explains the sensor's readings by the work that was done.
///
/// The device is a first-order body: dT/dt = heating · duty − (T − cold) / τ₀. The sensor shows T two seconds late and with noise. T, `heating`
/// (°C per second at full duty) and `cold` (where T would come to rest without work) are estimated; τ₀ is not: with a wrong τ₀ the other two come
/// out a little wrong, too, so that the slope near the present temperature, all that a controller needs for the next seconds, is right.
struct HeatModel: Sendable, Equatable {
    /// Seconds: the geometric mean of 20 and 90, between which coolers of processors and cards lie.
    static let timeConstant = 42.0
    /// Seconds from a change of the work to the first reading that shows it.
    static let delay = 2.0
    /// Variance of a reading in °C²: noise of 0.5 °C; a sensor in whole degrees has 1/12.
    static let noise = 0.25
    /// Variance per second of what moves T besides: of the model's own errors.
    private static let wander = 0.02
    /// Variance per second of `cold` in °C²: a heat wave and a blocked fan move it 2 °C in a second at most for most of the time; what is faster is
    /// caught by `alarm`.
    private static let coldWander = 4.0
    /// Relative variance per second of `heating`: another kernel changes the power by a tenth in a minute or two.
    private static let heatingWander = 1e-4
    /// °C per second at full duty: a card with 20 °C of rise and τ = 90 s, and one with 120 °C and 20 s.
    private static let heatings = 0.2...6.0

    /// As the sensor would show it now without noise, in °C.
    private(set) var temperature: Double
    private(set) var cold: Double
    private(set) var heating = 1.5

    // The covariance's upper half, in the order temperature, cold, heating.
    private var tt = HeatModel.noise
    private var tc = 0.0
    private var th = 0.0
    private var cc = 100.0
    private var ch = 0.0
    /// The first guess of `heating` may be wrong by as much again.
    private var hh = 1.1
    /// Sum of what readings were above their forecast, in standard deviations (Page's CUSUM, one-sided).
    private var excess = 0.0

    init(temperature: Double) { (self.temperature, cold) = (temperature, temperature) }

    /// Time passes.
    ///
    /// - Parameters:
    ///   - seconds: 0 … 10.
    ///   - duty: mean of the work in the stretch of time that the sensor now shows.
    mutating func advance(_ seconds: Double, duty: Double) {
        let rate = 1 / Self.timeConstant
        temperature += seconds * (heating * duty - rate * (temperature - cold))
        // P ← F P Fᵀ + Q with F = [[1 − a dt, a dt, u dt], [0, 1, 0], [0, 0, 1]].
        let (f, g, h) = (1 - rate * seconds, rate * seconds, duty * seconds)
        let rowC = f * tc + g * cc + h * ch
        let rowH = f * th + g * ch + h * hh
        tt = f * (f * tt + g * tc + h * th) + g * rowC + h * rowH + Self.wander * seconds
        (tc, th) = (rowC, rowH)
        cc += Self.coldWander * seconds
        hh += Self.heatingWander * heating * heating * seconds
    }

    /// Takes a reading of now.
    mutating func correct(_ reading: Double) {
        let spread = tt + Self.noise
        let error = reading - temperature
        alarm(error / spread.squareRoot())
        let (kt, kc, kh) = (tt / spread, tc / spread, th / spread)
        temperature += kt * error
        cold += kc * error
        heating = min(max(heating + kh * error, Self.heatings.lowerBound), Self.heatings.upperBound)
        cc -= kc * tc
        ch -= kc * th
        hh -= kh * th
        (tt, tc, th) = (tt * (1 - kt), tc * (1 - kt), th * (1 - kt))
    }

    /// Readings that are above their forecast again and again: the surroundings have become hot at once, and `cold` is known no more.
    ///
    /// 15 °C more around a body of τ = 20 s raise it 0.75 °C/s: a sum of deviations above 2.5, less 0.6 a reading, is reached after 1.5 to 2 s of two
    /// readings a second. Noise alone gets there about once in 100 readings (Siegmund's formula), which does no more than make the filter quick
    /// for a moment.
    private mutating func alarm(_ deviation: Double) {
        excess = max(0, excess + deviation - 0.6)
        guard excess > 2.5 else { return }
        excess = 0
        // °C²: 15 °C more look like 15 · τ₀/τ = 32 °C where the body is faster than the model.
        cc += 400
    }

    /// The temperature's reading after `pieces` of work.
    func forecast(_ pieces: [(seconds: Double, duty: Double)]) -> Double {
        var forecast = temperature
        for piece in pieces { forecast += piece.seconds * (heating * piece.duty - (forecast - cold) / Self.timeConstant) }
        return forecast
    }

    /// The duty at which a body at `temperature` gets hotter by `slope` °C per second; below 0 or above 1 where none does.
    func duty(slope: Double, at temperature: Double) -> Double { (slope + (temperature - cold) / Self.timeConstant) / heating }
}
