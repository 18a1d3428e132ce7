import Foundation
import Jobs
import Operations
import Synchronization
import Wire

/// Decides whether the miner may work: at once when the operator speaks or the limits change, and every second by the hour and by what else the
/// machine does. Tells of each change, and of a machine that runs out of memory or disk.
final class PermissionDesk: Sendable {
    private struct State {
        var permission: WorkPermission
        var activity = ActivityReading()
    }

    private let state: Mutex<State>
    private let control: MinerControl
    private let limits: LiveLimits
    private let permit: WorkPermit
    private let port: (any ActivityPort)?
    private let events: EventSink
    private let now: @Sendable () -> Int64
    private let start = ContinuousClock.now
    /// Files of the kernel, and a program that is asked for the machine's users.
    private let queue = DiskQueue("activity")
    /// How often the machine is looked at.
    private static let period = Duration.seconds(1)

    /// - Parameters:
    ///   - port: what else the machine does; nil where nobody can tell, and then only the operator's word, the limits and the hour count.
    ///   - now: Unix seconds.
    init(
        _ rules: WorkPermission.Rules, control: MinerControl, limits: LiveLimits, permit: WorkPermit, port: (any ActivityPort)?, events: EventSink,
        now: @escaping @Sendable () -> Int64
    ) {
        state = Mutex(State(permission: WorkPermission(rules: rules)))
        (self.control, self.limits, self.permit, self.port, self.events, self.now) = (control, limits, permit, port, events, now)
    }

    /// What else the machine does, as it was read last.
    var activity: ActivityReading { state.withLock { $0.activity } }

    /// Decides until the task is canceled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { for await _ in self.control.changes() { self.decide() } }
            group.addTask {
                while !Task.isCancelled {
                    let generation = self.limits.generation
                    self.decide()
                    await self.limits.untilChanged(since: generation)
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    if let port = self.port { self.decide(await self.queue.run { port.read() }) } else { self.decide() }
                    try? await Task.sleep(for: Self.period)
                }
            }
        }
    }

    /// Decides for this moment.
    ///
    /// - Parameter fresh: a new reading; nil takes the last one again, since shares are since the reading before.
    func decide(_ fresh: ActivityReading? = nil) {
        let time = now()
        let offset = TimeZone.current.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(time)))
        let minute = WeeklySchedule.minute(unixSeconds: time, offset: offset)
        let limits = limits.now
        let command: WorkPermission.Command =
            switch control.mode {
            case .working: .run
            case .paused: .paused
            case .draining: .draining
            }
        // Under one lock with the permit: of two decisions at one time the later one counts.
        let told: (before: WorkPermit.Halt?, after: WorkPermit.Halt?, changes: [Pressure.Change]) = state.withLock { state in
            if let fresh { state.activity = fresh }
            let decision = state.permission.decide(command, limits: limits, activity: state.activity, minute: minute, at: .now - start)
            let before = permit.halt(of: .permission)
            let after = decision.reason.map { WorkPermit.Halt(reason: $0, holds: decision.holdsRunningWork) }
            permit.set(.permission, after)
            return (before, after, decision.changes)
        }
        for change in told.changes {
            events.emit(
                change.isCritical ? .resourceCritical : .resourceRecovered,
                ["resource": .string(change.resource.rawValue), "detail": .string(change.detail)], weight: change.isCritical ? .warning : .normal)
        }
        guard told.before != told.after else { return }
        if let halt = told.after {
            events.emit(.workPaused, ["reason": .string(halt.reason.rawValue), "holds": .bool(halt.holds)])
        } else {
            events.emit(.workResumed)
        }
    }
}
