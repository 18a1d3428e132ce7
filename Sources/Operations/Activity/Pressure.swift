/// Whether the machine runs out of memory or disk: critical at once, recovered when it has been well again for a while.
package struct Pressure: Sendable, Equatable {
    package enum Resource: String, CaseIterable, Sendable { case memory, disk }

    /// A change that an event tells of: `resource_critical`, `resource_recovered`.
    package struct Change: Sendable, Equatable {
        package let resource: Resource
        package let isCritical: Bool
        /// The figures that decided it, for people.
        package let detail: String

        /// The event's name.
        package var event: String { isCritical ? "resource_critical" : "resource_recovered" }
    }

    /// The thresholds.
    package struct Rules: Sendable, Equatable {
        /// Per cent of the last 10 s that some, and all, tasks waited for memory. systemd-oomd kills at "full" 60 for 30 s: work has to be gone
        /// long before. A machine with enough memory shows 0; page cache that is read again shows single figures of "some".
        package var criticalSome = 40.0
        package var criticalFull = 10.0
        /// A quarter and a fifth of those. PSI's avg10 decays with a time constant of 10 s, so it falls from 40 to 10 in 14 s.
        package var wellSome = 10.0
        package var wellFull = 2.0
        /// Bytes: what the miner itself takes for buffers of transfers and its database beside jobs; below it an allocation fails next.
        package var criticalMemory: Int64 = 256 << 20
        /// Bytes: half of a job's memory given back must not be enough to say that all is well.
        package var wellMemory: Int64 = 512 << 20
        /// Bytes: room for the outbox, SQLite's log and one output of the usual size.
        package var criticalDisk: Int64 = 1 << 30
        package var wellDisk: Int64 = 3 << 29
        /// Three time constants of avg10: what is then left of a peak is 5 %.
        package var wellFor: Duration = .seconds(30)

        package init() {}
    }

    package let rules: Rules
    private var memory: Latch
    private var disk: Latch
    /// The last count of allocations that found no memory.
    private var outOfMemory: Int64?

    package init(rules: Rules = Rules()) {
        self.rules = rules
        memory = Latch(offAfter: rules.wellFor)
        disk = Latch(offAfter: rules.wellFor)
    }

    package func isCritical(_ resource: Resource) -> Bool {
        switch resource {
        case .memory: memory.isOn
        case .disk: disk.isOn
        }
    }

    /// Takes a reading. Unknown figures raise no alarm; where a figure that raised one can't be read any more, it ends like others: nothing that
    /// vanishes may stop work for ever.
    ///
    /// - Parameter now: monotonic.
    package mutating func update(_ reading: ActivityReading, at now: Duration) -> [Change] {
        var changes: [Change] = []
        let failures = reading.outOfMemory.flatMap { now in outOfMemory.map { max(0, max(0, now) - max(0, $0)) } }
        outOfMemory = reading.outOfMemory ?? outOfMemory
        let bad = [
            reading.memorySome.map { $0 >= rules.criticalSome }, reading.memoryFull.map { $0 >= rules.criticalFull },
            reading.freeMemory.map { $0 < rules.criticalMemory }, failures.map { $0 > 0 },
        ].compactMap { $0 }
        let well = [
            reading.memorySome.map { $0 < rules.wellSome }, reading.memoryFull.map { $0 < rules.wellFull },
            reading.freeMemory.map { $0 >= rules.wellMemory }, failures.map { $0 == 0 },
        ].compactMap { $0 }
        if memory.update(rises: bad.isEmpty ? nil : bad.contains(true), falls: !well.contains(false), at: now) {
            changes.append(Change(resource: .memory, isCritical: memory.isOn, detail: Self.memoryDetail(reading, failures ?? 0)))
        }
        let free = reading.freeDisk
        if disk.update(rises: free.map { $0 < rules.criticalDisk }, falls: free.map { $0 >= rules.wellDisk } ?? true, at: now) {
            changes.append(Change(resource: .disk, isCritical: disk.isOn, detail: free.map { "\($0 >> 20) MiB free on the disk" } ?? "the disk can't be asked"))
        }
        return changes
    }

    private static func memoryDetail(_ reading: ActivityReading, _ failures: Int64) -> String {
        var parts: [String] = []
        if failures > 0 { parts.append("the kernel found no memory left under the control group's limit (\(failures) times)") }
        if let free = reading.freeMemory { parts.append("\(free >> 20) MiB of memory free") }
        if let some = reading.memorySome { parts.append("some tasks waited for memory \(tenth(some)) % of the last 10 s") }
        if let full = reading.memoryFull { parts.append("all of them \(tenth(full)) %") }
        return parts.joined(separator: ", ")
    }

    /// To one decimal, whatever a sensor says.
    private static func tenth(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
