import Jobs
import Kernels
import Synchronization

/// What the threads of one lease tell each other: how far the work is, whether it should stop and why, whether it is committed.
final class WorkControl: Sendable {
    enum Stage: String, Sendable { case fetching, waiting, computing, delivering }

    private struct State {
        var stage = Stage.fetching
        var progress = 0.0
        var isStopped = false
        var isCommitted = false
        var isFinished = false
        var hasPassedOn = false
        var timeline = Timeline()
        var device: String?
    }

    private let state = Mutex(State())
    private let onPassOn: @Sendable () -> Void

    /// - Parameter onPassOn: is called once, when the next lease may be taken.
    init(onPassOn: @escaping @Sendable () -> Void = {}) { self.onPassOn = onPassOn }

    var stage: Stage {
        get { state.withLock { $0.stage } }
        set { state.withLock { $0.stage = newValue } }
    }

    var timeline: Timeline {
        get { state.withLock { $0.timeline } }
        set { state.withLock { $0.timeline = newValue } }
    }

    /// Share of the computation that is done, 0…1.
    var progress: Double { state.withLock { $0.progress } }

    /// The device that does the work, where the backend chose it among several.
    var device: String? { state.withLock { $0.device } }

    /// Lets the next lease be taken: it won't wait for this one's computation for long. Told again, nothing happens.
    func passOn() {
        let isFirst = state.withLock { state in
            defer { state.hasPassedOn = true }
            return !state.hasPassedOn
        }
        if isFirst { onPassOn() }
    }

    private func note(_ share: Double) {
        state.withLock { $0.progress = max($0.progress, share) }
        if share > 0.5 { passOn() }
    }

    /// After this only the outbox decides; `stop` does nothing any more. False if the work was stopped before.
    func commit() -> Bool {
        state.withLock { state in
            guard !state.isStopped else { return false }
            state.isCommitted = true
            return true
        }
    }

    /// The commitment could not be written.
    func uncommit() { state.withLock { $0.isCommitted = false } }

    /// Ends the computation; false if its result is committed already.
    @discardableResult func stop() -> Bool {
        state.withLock { state in
            guard !state.isCommitted else { return false }
            state.isStopped = true
            return true
        }
    }

    /// The work has ended, one way or the other.
    func finish() { state.withLock { $0.isFinished = true } }
    var isFinished: Bool { state.withLock { $0.isFinished } }

    /// For the device that computes.
    var run: RunControl {
        RunControl(
            report: { share in self.note(share) },
            isCanceled: { self.state.withLock { $0.isStopped } },
            named: { device in self.state.withLock { $0.device = device } })
    }
}
