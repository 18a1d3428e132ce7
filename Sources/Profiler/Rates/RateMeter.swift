import Kernels
import Synchronization
import Wire

/// Measures one subject in rounds, its peak and itself by turns.
///
/// A round lasts a fixed time, of which the peak has the first half and the subject the second: both see the same second, with the same clock and the
/// same neighbours. They don't take turns run by run: libraries' threads spin after a run, OpenBLAS's for a tenth of a second unless they are told not to
/// (`CoreType`), and beside them the peak was measured at half. A round's rate is its best run's, its share the rate over the best peak of the same
/// round. A single best of all would pair a lucky moment of the one with a common moment of the other.
///
/// Whoever else uses the machine only ever makes a run slower. A round is as quiet as the worse of its two figures is near to that figure's
/// best of all rounds, and a row has the medians of the quietest third of the rounds: a neighbour who comes for some seconds costs rounds, not the row.
struct RateMeter {
    /// The clock; tests pass their own.
    let now: () -> ContinuousClock.Instant
    let rounds: Int
    /// Asked whether anybody still wants to know, before each run and within those of kernels.
    var control = RunControl.none

    /// How long the peak runs at once: shorter ones measure the start of threads, longer ones have few chances in a round.
    private static let peakRun = Duration.milliseconds(4)
    /// The peak's part of a round at least, where there is time for it: longer than libgomp's threads, or OpenBLAS's as we load it, spin after a run.
    private static let longestSpin = Duration.milliseconds(30)
    /// Runs shorter than this are repeated until they take so long: a clock's step and the waking of threads are small against it.
    private static let shortestRun = Duration.milliseconds(1)

    /// - Parameters:
    ///   - slice: how long it may take; two runs are made at least.
    /// - Returns: nil where there is nothing to measure.
    /// - Throws: what a run throws; `canceled`.
    func measure(_ subject: RateSubject, slice: Duration) throws(Problem) -> RateSamples? {
        let start = now()
        guard let run = try subject.prepare() else { return nil }
        let member = LastName()
        // Compiles, plans and warms up; also how long a run takes.
        let warmUp = try timed { () throws(Problem) in try run(control.naming { member.note($0) }) }
        var estimate = warmUp.took
        var samples = RateSamples(peakName: subject.roof.flatMap { $0.source.peakName($0.dtype) })
        var roof = samples.peakName == nil ? nil : subject.roof
        // The first run may compile, and may find out that there is none.
        if let found = roof, try found.source.runPeak(found.dtype, about: Self.peakRun) == nil { roof = nil }

        let left = slice - (now() - start)
        let length = max(.zero, left / rounds)
        while samples.rounds.count < rounds, samples.rounds.isEmpty || now() - start + estimate < slice {
            let begin = now()
            let peak = try peak(roof, for: min(max(length / 2, Self.longestSpin), length))
            var best = 0.0
            repeat {
                let (done, took) = try several(run, estimate)
                estimate = min(estimate, took)
                best = max(best, Double(done) / took.seconds)
            } while now() - begin < length
            samples.rounds.append((best, peak))
        }
        samples.member = member.text
        return samples
    }

    /// The highest rate of the peak within so much time, of one run at least; 0 without a peak.
    private func peak(_ roof: (source: any RoofSource, dtype: DType)?, for length: Duration) throws(Problem) -> Double {
        guard let roof else { return 0 }
        let begin = now()
        var highest = 0.0
        repeat {
            let (done, took) = try timed { () throws(Problem) in try roof.source.runPeak(roof.dtype, about: Self.peakRun) ?? 0 }
            highest = max(highest, Double(done) / took.seconds)
        } while now() - begin < length
        return highest
    }

    /// One run, or as many as take the shortest time worth timing.
    private func several(_ run: RateSubject.Run, _ estimate: Duration) throws(Problem) -> (done: Int64, took: Duration) {
        try timed { () throws(Problem) in
            var done: Int64 = 0
            let begin = now()
            repeat { done = done.addingReportingOverflow(try run(control)).partialValue } while now() - begin < Self.shortestRun && estimate < Self.shortestRun
            return done
        }
    }

    private func timed(_ body: () throws(Problem) -> Int64) throws(Problem) -> (done: Int64, took: Duration) {
        try control.step(0)
        let begin = now()
        let done = try body()
        // A clock that stands still must not make rates endless.
        return (done, max(now() - begin, .nanoseconds(1)))
    }
}

/// The last device that a run named.
private final class LastName: Sendable {
    private let name = Mutex<String?>(nil)
    var text: String? { name.withLock { $0 } }
    func note(_ device: String) { name.withLock { $0 = String(decoding: device.utf8.prefix(250), as: UTF8.self) } }
}
