import Synchronization
package import Wire

/// How a long run tells where it is, learns that nobody wants it any more, and stands still for a while.
package struct RunControl: Sendable {
    private let report: @Sendable (Double) -> Void
    private let isCanceled: @Sendable () -> Bool
    private let named: @Sendable (String) -> Void
    private let brake: (any RunBrake)?
    private let apart: TimeApart?

    /// - Parameters:
    ///   - report: gets the done share, 0 to 1, never falling.
    ///   - isCanceled: asked now and then, from the thread that computes; must not block.
    ///   - named: told which device does the work, where a backend chose among several.
    ///   - brake: makes the run stand still between two pieces of work.
    ///   - apart: gets the time that is not the work's own.
    package init(
        report: @escaping @Sendable (Double) -> Void = { _ in }, isCanceled: @escaping @Sendable () -> Bool = { false },
        named: @escaping @Sendable (String) -> Void = { _ in }, brake: (any RunBrake)? = nil, apart: TimeApart? = nil
    ) {
        (self.report, self.isCanceled, self.named, self.brake, self.apart) = (report, isCanceled, named, brake, apart)
    }

    /// Nobody listens, nobody cancels.
    package static let none = RunControl()

    /// The same for one of several pieces of work: its shares become those from `start` to `end`.
    package func part(from start: Double = 0, to end: Double = 1) -> RunControl {
        RunControl(
            report: { report(min(max(start + $0 * (end - start), 0), 1)) }, isCanceled: isCanceled, named: named, brake: brake, apart: apart)
    }

    /// The same cancellation and brake, and nobody listens.
    package var silent: RunControl { RunControl(isCanceled: isCanceled, brake: brake, apart: apart) }

    /// The same cancellation and brake for who only wants to hear which device does the work.
    package func naming(_ named: @escaping @Sendable (String) -> Void) -> RunControl {
        RunControl(isCanceled: isCanceled, named: named, brake: brake, apart: apart)
    }

    /// Called by a backend of several once it knows which of them does the work.
    package func uses(_ device: String) { named(device) }

    /// Called by whoever computes, between two pieces of work; stands still there for as long as the brake is on. Throws `canceled` to stop it there.
    package func step(_ share: Double) throws(Problem) {
        if isCanceled() { throw Problem(.canceled, "the run was canceled") }
        if let brake, brake.isOn {
            let start = ContinuousClock.now
            brake.wait()
            apart?.add(.now - start)
            if isCanceled() { throw Problem(.canceled, "the run was canceled") }
        }
        report(min(max(share, 0), 1))
    }

    /// Whether `step` would stand still now: for who has threads that have to be told first.
    package var isHeld: Bool { brake?.isOn ?? false }

    /// The control of a part of the work, which begins at `begin` of the whole and is `share` of it.
    package func part(from begin: Double, _ share: Double) -> RunControl {
        part(from: begin, to: begin + share)
    }

    // MARK: time

    /// Time of this run so far that was not the work's own: it stood still, or libraries were tried.
    package var timeApart: Duration { apart?.total ?? .zero }

    /// Called by whoever spends time of the run on something else than the work.
    package func setApart(_ took: Duration) { apart?.add(max(.zero, took)) }
}

/// Makes a run stand still: a pause, or the rest of a device that is to work a share of the time.
package protocol RunBrake: Sendable {
    /// Quick: asked between all pieces of work, from the thread that computes.
    var isOn: Bool { get }

    /// Returns when the run may go on, or has been canceled. Blocks the thread that computes.
    func wait()
}

/// Adds up what of a run's time is not the work's own.
package final class TimeApart: Sendable {
    private let sum = Mutex(Duration.zero)

    package init() {}

    package var total: Duration { sum.withLock { $0 } }
    package func add(_ time: Duration) { sum.withLock { $0 += time } }
}
