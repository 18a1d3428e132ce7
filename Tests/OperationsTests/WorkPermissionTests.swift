import Jobs
import Operations
import Testing

@Suite struct WorkPermissionTests {
    /// One decision a second while `reading` holds; the last one.
    private func hold(
        _ permission: inout WorkPermission, _ seconds: ClosedRange<Int>, _ reading: ActivityReading, limits: OperatorLimits = OperatorLimits(),
        command: WorkPermission.Command = .run, minute: Int = 0
    ) -> WorkReason? {
        var reason: WorkReason?
        for second in seconds { reason = permission.decide(command, limits: limits, activity: reading, minute: minute, at: .seconds(second)).reason }
        return reason
    }

    @Test func theOperatorsWordComesFirst() {
        var permission = WorkPermission()
        var limits = OperatorLimits()
        limits.schedule = WeeklySchedule(open: [])
        let battery = ActivityReading(isOnBattery: true)
        #expect(permission.decide(.paused, limits: limits, activity: battery, minute: 0, at: .zero).reason == .pausedByOperator)
        let draining = permission.decide(.draining, limits: limits, activity: battery, minute: 0, at: .zero)
        #expect(draining.reason == .draining && !draining.holdsRunningWork)
        #expect(permission.decide(.run, limits: limits, activity: battery, minute: 0, at: .zero).reason == .outsideSchedule)
        let onBattery = permission.decide(.run, limits: OperatorLimits(), activity: battery, minute: 0, at: .zero)
        #expect(onBattery.reason == .onBattery && onBattery.holdsRunningWork)
    }

    @Test func nothingKnownNothingForbidden() {
        var permission = WorkPermission()
        let decision = permission.decide(.run, limits: OperatorLimits(), activity: ActivityReading(), minute: 0, at: .zero)
        #expect(decision.reason == nil && decision.changes.isEmpty && !decision.holdsRunningWork)
    }

    @Test func theScheduleGoesByTheMinuteAlone() {
        var permission = WorkPermission()
        var limits = OperatorLimits()
        limits.schedule = WeeklySchedule(open: [60..<120])
        // Monotonic time stands still and goes back: the minute decides.
        for (minute, reason) in [(59, WorkReason.outsideSchedule), (60, nil), (119, nil), (120, .outsideSchedule), (60, nil)] {
            #expect(permission.decide(.run, limits: limits, activity: ActivityReading(), minute: minute, at: .seconds(100 - minute)).reason == reason)
        }
    }

    @Test func idleOnlyWaitsForQuietMinutes() {
        var limits = OperatorLimits()
        limits.idleOnly = true
        var permission = WorkPermission()
        #expect(hold(&permission, 0...0, ActivityReading(secondsSinceUser: 0)) == nil, "the limit isn't set")
        #expect(hold(&permission, 1...1, ActivityReading(secondsSinceUser: 0), limits: limits) == .userActive)
        #expect(hold(&permission, 2...2, ActivityReading(secondsSinceUser: 179), limits: limits) == .userActive)
        #expect(hold(&permission, 3...3, ActivityReading(secondsSinceUser: 180), limits: limits) == nil)
        #expect(hold(&permission, 4...4, ActivityReading(), limits: limits) == .activityUnknown)
    }

    @Test func aBusyMachineIsLeftAloneAndABlipIsNot() {
        var limits = OperatorLimits()
        limits.idleOnly = true
        var permission = WorkPermission()
        #expect(hold(&permission, 0...9, ActivityReading(othersShare: 0.9), limits: limits) == nil)
        #expect(hold(&permission, 10...11, ActivityReading(othersShare: 0.01), limits: limits) == nil)
        #expect(hold(&permission, 12...22, ActivityReading(othersShare: 0.9), limits: limits) == .machineBusy)
        #expect(hold(&permission, 23...200, ActivityReading(othersShare: 0.2), limits: limits) == .machineBusy, "between the two thresholds")
        #expect(hold(&permission, 201...260, ActivityReading(othersShare: 0.1), limits: limits) == .machineBusy)
        #expect(hold(&permission, 261...261, ActivityReading(othersShare: 0.1), limits: limits) == nil)
    }

    @Test func aLooseContactDoesNotFlutter() {
        var permission = WorkPermission()
        var limits = OperatorLimits()
        for second in 0..<60 {
            let reading = ActivityReading(isOnBattery: second % 3 == 0)
            #expect(permission.decide(.run, limits: limits, activity: reading, minute: 0, at: .seconds(second)).reason == .onBattery)
        }
        limits.onBattery = true
        #expect(hold(&permission, 60...60, ActivityReading(isOnBattery: true), limits: limits) == nil)
        #expect(hold(&permission, 61...91, ActivityReading(isOnBattery: false)) == nil)
    }

    @Test func pressureTellsOnceAndRecoversLater() {
        var permission = WorkPermission()
        let low = ActivityReading(memorySome: 55, memoryFull: 3, freeMemory: 4 << 30, freeDisk: 100 << 20)
        let first = permission.decide(.run, limits: OperatorLimits(), activity: low, minute: 0, at: .zero)
        #expect(first.reason == .memoryPressure && first.changes.map(\.event) == ["resource_critical", "resource_critical"])
        #expect(first.changes.map(\.resource) == [.memory, .disk])
        #expect(permission.decide(.run, limits: OperatorLimits(), activity: low, minute: 0, at: .seconds(1)).changes.isEmpty)
        let between = ActivityReading(memorySome: 20, memoryFull: 0, freeMemory: 4 << 30, freeDisk: 100 << 20)
        #expect(hold(&permission, 2...100, between) == .memoryPressure)
        let memoryIsWell = ActivityReading(memorySome: 2, memoryFull: 0, freeMemory: 4 << 30, freeDisk: 100 << 20)
        #expect(hold(&permission, 101...130, memoryIsWell) == .memoryPressure)
        #expect(hold(&permission, 131...131, memoryIsWell) == .diskLow)
        let well = ActivityReading(memorySome: 2, memoryFull: 0, freeMemory: 4 << 30, freeDisk: 8 << 30)
        #expect(hold(&permission, 132...161, well) == .diskLow)
        let last = permission.decide(.run, limits: OperatorLimits(), activity: well, minute: 0, at: .seconds(162))
        #expect(last.reason == nil && last.changes.map(\.event) == ["resource_recovered"] && last.changes.map(\.detail) == ["8192 MiB free on the disk"])
    }

    @Test func aKillForMemoryIsPressureWhateverElseSaysSo() {
        var permission = WorkPermission()
        func reading(_ count: Int64?) -> ActivityReading { ActivityReading(memorySome: 0, memoryFull: 0, freeMemory: 4 << 30, outOfMemory: count) }
        #expect(hold(&permission, 0...0, reading(7)) == nil, "those before the start are others'")
        #expect(hold(&permission, 1...1, reading(nil)) == nil)
        let killed = permission.decide(.run, limits: OperatorLimits(), activity: reading(9), minute: 0, at: .seconds(2))
        #expect(killed.reason == .memoryPressure && killed.changes.map(\.event) == ["resource_critical"])
        #expect(killed.changes.first?.detail.hasPrefix("the kernel found no memory left under the control group's limit (2 times), 4096 MiB") == true)
        #expect(hold(&permission, 3...20, reading(9)) == .memoryPressure)
        #expect(hold(&permission, 21...21, reading(10)) == .memoryPressure, "another one: well from here on")
        #expect(hold(&permission, 22...51, reading(10)) == .memoryPressure)
        #expect(hold(&permission, 52...52, reading(10)) == nil)
        #expect(hold(&permission, 53...53, reading(.min)) == nil, "a count that falls is another group's")
    }

    @Test func figuresThatVanishStopNothingForEver() {
        var permission = WorkPermission()
        #expect(hold(&permission, 0...0, ActivityReading(isOnBattery: true, freeMemory: 1)) == .onBattery)
        #expect(hold(&permission, 1...30, ActivityReading()) == .onBattery)
        #expect(hold(&permission, 31...31, ActivityReading()) == nil)
        #expect(hold(&permission, 32...32, ActivityReading(othersShare: .nan, secondsSinceUser: .infinity, memorySome: .nan, memoryFull: -1)) == nil)
    }
}
