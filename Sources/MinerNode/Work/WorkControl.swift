import Jobs
import Kernels
import Synchronization
import Wire

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
        var backend: String?
        var device: String?
        var giveBack: GiveBack?
    }

    /// Why a lease goes back although its work could go on: what the coordinator is told, and what the log says.
    struct GiveBack: Sendable {
        let reason: Reason
        let problem: Problem
    }

    private let state = Mutex(State())
    private let onPassOn: @Sendable () -> Void
    /// What of the run's time was not the kernel's own.
    let apart = TimeApart()
    /// Rings when the lease is to go back.
    private let stopped = Broadcast()

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

    /// The miner's name for the device that was chosen; nil before.
    var backend: String? {
        get { state.withLock { $0.backend } }
        set { state.withLock { $0.backend = newValue } }
    }

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

    /// Whether its end is near.
    var hasPassedOn: Bool { state.withLock { $0.hasPassedOn } }

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

    /// Ends the computation, and has the lease given back for this reason; the first one counts. False if its result is committed already.
    @discardableResult func giveBack(_ reason: Reason, _ problem: Problem) -> Bool {
        let isStopped = state.withLock { state in
            guard !state.isCommitted else { return false }
            state.isStopped = true
            if state.giveBack == nil { state.giveBack = GiveBack(reason: reason, problem: problem) }
            return true
        }
        stopped.notify()
        return isStopped
    }

    /// Why the lease goes back; nil where nobody has said so.
    var givenBack: GiveBack? { state.withLock { $0.giveBack } }

    /// Returns why the lease is to go back, or nil if the task was canceled.
    func untilGivenBack() async -> Problem? {
        while !Task.isCancelled {
            let generation = stopped.generation
            if let back = givenBack { return back.problem }
            await stopped.wait(after: generation)
        }
        return nil
    }

    var isStopped: Bool { state.withLock { $0.isStopped } }

    /// The work has ended, one way or the other.
    func finish() { state.withLock { $0.isFinished = true } }
    var isFinished: Bool { state.withLock { $0.isFinished } }

    /// For the device that computes.
    ///
    /// - Parameters:
    ///   - brake: what it stands still for.
    ///   - sign: is called with every sign of life.
    func run(brake: (any RunBrake)? = nil, sign: @escaping @Sendable () -> Void = {}) -> RunControl {
        RunControl(
            report: { share in
                sign()
                self.note(share)
            },
            isCanceled: {
                sign()
                return self.isStopped
            },
            named: { device in self.state.withLock { $0.device = device } }, brake: brake, apart: apart)
    }
}
