import Foundation
import Kernels
import Synchronization

/// Makes one device work a share of the time: after some work it rests so long that the share comes out, at checkpoints and between jobs.
///
/// Work is measured between rests and not sampled, so the share is kept over any few seconds, whatever the jobs are like. A rest is cut into
/// tenths of a second, so that a pause, a stop and a changed share are seen.
final class Pacer: Sendable {
    private struct State {
        /// 0…1; 0 stands still.
        var duty = 1.0
        /// Share of the usual work before a rest.
        var batchShare = 1.0
        /// Since when it has stood still by order; nil while it may work.
        var stoppedSince: ContinuousClock.Instant?
        /// When the work that no rest was taken for yet began; nil while nothing works.
        var workingSince: ContinuousClock.Instant?
        /// Rest that is owed for work that has ended.
        var owed = Duration.zero
        var worked = Duration.zero

        /// Counts the work so far, and owes rest for it by the share that held meanwhile.
        mutating func settle(_ now: ContinuousClock.Instant) {
            guard let since = workingSince else { return }
            let stretch = max(.zero, now - since)
            workingSince = max(since, now)
            worked += stretch
            if duty < 1 { owed = min(Pacer.mostOwed, owed + stretch * ((1 - duty) / max(duty, 0.01))) }
        }
    }

    /// Work before a rest: short beside any fan's or chip's time constant, long beside the time it takes to stop and start a library's threads.
    private static let stretch = Duration.milliseconds(200)
    /// The most rest that is owed: a job without checkpoints must not silence the device for minutes afterwards.
    private static let mostOwed = Duration.seconds(10)
    private let state = Mutex(State())

    /// Share of the time in which the device works.
    var duty: Double { state.withLock { $0.duty } }

    /// - Parameters:
    ///   - duty: share of the time in which the device works, from now on.
    ///   - batchShare: share of the usual work between two rests.
    func pace(duty: Double, batchShare: Double = 1, now: ContinuousClock.Instant = .now) {
        state.withLock { state in
            // A share that falls asks no rest for what was worked before.
            state.settle(now)
            state.duty = min(1, max(0, duty.isNaN ? 0 : duty))
            state.batchShare = min(1, max(0.05, batchShare.isNaN ? 1 : batchShare))
            state.stoppedSince = state.duty > 0 ? nil : state.stoppedSince ?? now
        }
    }

    /// How long it has stood still by order; nil while it may work.
    func stoppedFor(now: ContinuousClock.Instant = .now) -> Duration? { state.withLock { $0.stoppedSince.map { now - $0 } } }

    /// Time that it has worked, with what works now: a job without rests ends minutes later, and its heat is there at once.
    func worked(now: ContinuousClock.Instant = .now) -> Duration {
        state.withLock { state in
            state.settle(now)
            return state.worked
        }
    }

    /// A computation begins, or goes on after it stood still.
    func begin(now: ContinuousClock.Instant = .now) { state.withLock { $0.workingSince = now } }

    /// A computation has ended, or stands still.
    func end(now: ContinuousClock.Instant = .now) {
        state.withLock { state in
            state.settle(now)
            state.workingSince = nil
        }
    }

    /// Whether it is time for a rest.
    func isDue(now: ContinuousClock.Instant = .now) -> Bool {
        state.withLock { state in
            if state.duty <= 0 { return true }
            guard state.duty < 1 else { return false }
            return state.owed > .zero || (state.workingSince.map { now - $0 >= Self.stretch * state.batchShare } ?? false)
        }
    }

    /// Rests, on a thread that may block, until the share comes out or `isOver` says that nobody computes any more. Nothing counts as work from then
    /// on until `begin`.
    func rest(_ isOver: () -> Bool) {
        end()
        while !isOver() {
            let start = ContinuousClock.now
            guard let pause = nextPause() else { break }
            Thread.sleep(forTimeInterval: pause / .seconds(1))
            took(.now - start)
        }
    }

    /// `rest` between jobs, for tasks.
    func restBetweenJobs() async {
        while !Task.isCancelled {
            let start = ContinuousClock.now
            guard let pause = nextPause() else { return }
            try? await Task.sleep(for: pause)
            took(.now - start)
        }
    }

    /// A piece of what is owed; nil when nothing is.
    private func nextPause() -> Duration? {
        state.withLock { state in
            if state.duty <= 0 { return .milliseconds(100) }
            if state.duty >= 1 { state.owed = .zero }
            return state.owed > .zero ? min(state.owed, .milliseconds(100)) : nil
        }
    }

    private func took(_ time: Duration) { state.withLock { $0.owed = max(.zero, $0.owed - time) } }
}
