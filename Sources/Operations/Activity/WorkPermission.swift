package import Jobs

/// Whether the miner may work now, and if not, why: the operator's word, the limits, the hour and what else the machine does.
///
/// A state machine in a value: `decide` takes what is known and answers; nothing reads a clock or a file here. The hour comes in as the minute
/// of the week in local time and only that minute counts, so that neither daylight saving nor a clock that jumps leaves anything wrong behind;
/// what has to last is measured in monotonic time.
package struct WorkPermission: Sendable, Equatable {
    /// What the operator said last.
    package enum Command: String, CaseIterable, Sendable { case run, paused, draining }

    package struct Decision: Sendable, Equatable {
        /// Why no new job may be taken; nil: one may.
        package let reason: WorkReason?
        /// What became critical or recovered with this reading.
        package let changes: [Pressure.Change]

        /// Whether a job that runs must stop at its next checkpoint too, until there is no reason any more. Otherwise it runs to its end: a
        /// schedule's hour or a full disk are no reason to throw an almost finished job away.
        package var holdsRunningWork: Bool {
            switch reason {
            case .pausedByOperator, .userActive, .machineBusy, .activityUnknown, .onBattery, .memoryPressure: true
            default: false
            }
        }
    }

    /// The thresholds; PROTOCOL has no word in them. BOINC, which runs on more people's machines than anything else of the kind, waits three
    /// minutes after a key press and stops above 25 % of other programs' use by default; nobody has asked it for other defaults.
    package struct Rules: Sendable, Equatable {
        /// Seconds without a user after which the machine counts as idle.
        package var quiet = 180.0
        /// Share of all processors that others take: above the first it is busy, below the second it is idle again. The second is lower by more
        /// than one thread's flutter on a machine of eight.
        package var busyShare = 0.25
        package var idleShare = 0.15
        /// A start of a browser or a cron job takes a few seconds: no reason to stop.
        package var busyAfter: Duration = .seconds(10)
        package var idleAfter: Duration = .seconds(60)
        /// A plug with a loose contact must not start and stop the work every second.
        package var mainsAfter: Duration = .seconds(30)
        package var pressure = Pressure.Rules()

        package init() {}
    }

    package let rules: Rules
    package private(set) var pressure: Pressure
    private var busy: Latch
    private var battery: Latch

    package init(rules: Rules = Rules()) {
        self.rules = rules
        pressure = Pressure(rules: rules.pressure)
        busy = Latch(onAfter: rules.busyAfter, offAfter: rules.idleAfter)
        battery = Latch(offAfter: rules.mainsAfter)
    }

    /// The decision for this moment; the first reason in the order of the list below counts.
    ///
    /// - Parameters:
    ///   - minute: of the week since Monday 00:00, in local time (`WeeklySchedule.minute`).
    ///   - now: monotonic.
    package mutating func decide(
        _ command: Command, limits: OperatorLimits, activity: ActivityReading, minute: Int, at now: Duration
    ) -> Decision {
        // Each of them sees every reading, whatever the others say: otherwise one would go by old figures when another one ends.
        let changes = pressure.update(activity, at: now)
        busy.update(
            rises: activity.othersShare.map { $0 > rules.busyShare }, falls: activity.othersShare.map { $0 < rules.idleShare }, at: now)
        battery.update(rises: activity.isOnBattery, falls: activity.isOnBattery != true, at: now)
        return Decision(reason: reason(command, limits, activity, minute), changes: changes)
    }

    private func reason(_ command: Command, _ limits: OperatorLimits, _ activity: ActivityReading, _ minute: Int) -> WorkReason? {
        switch command {
        case .paused: return .pausedByOperator
        case .draining: return .draining
        case .run: break
        }
        if let schedule = limits.schedule, !schedule.isOpen(at: minute) { return .outsideSchedule }
        if !limits.onBattery, battery.isOn { return .onBattery }
        if limits.idleOnly {
            if let seconds = activity.secondsSinceUser, seconds < rules.quiet { return .userActive }
            if activity.secondsSinceUser == nil, activity.othersShare == nil { return .activityUnknown }
            if busy.isOn { return .machineBusy }
        }
        if pressure.isCritical(.memory) { return .memoryPressure }
        if pressure.isCritical(.disk) { return .diskLow }
        return nil
    }
}
