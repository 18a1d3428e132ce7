/// Where processors' time went since the machine started, in the kernel's ticks: the first line of `/proc/stat`.
package struct ProcessorTimes: Sendable, Equatable {
    package let busy: Int64
    package let idle: Int64
    /// Time in which a hypervisor ran somebody else.
    package let stolen: Int64
    /// Logical processors that are on line.
    package let processors: Int

    /// nil where the text isn't what the kernel writes.
    ///
    /// Source: proc(5): user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice; guests' time is in user's already. Time stolen
    /// by a hypervisor is time in which nobody here could work: neither busy nor idle.
    package init?(stat: String) {
        var times: [Int64]?
        var processors = 0
        for line in stat.split(separator: "\n") {
            guard line.hasPrefix("cpu") else { break }
            let words = line.split(separator: " ")
            guard words.count >= 5 else { return nil }
            if words[0] == "cpu" { times = words.dropFirst().prefix(8).map { Int64($0) ?? -1 } } else { processors += 1 }
        }
        guard let times, times.count >= 4, times.allSatisfy({ (0..<1 << 56).contains($0) }), processors > 0 else { return nil }
        // Eight numbers below 2^56 don't overflow.
        idle = times[3] + (times.count > 4 ? times[4] : 0)
        busy = times[0] + times[1] + times[2] + (times.count > 6 ? times[5] + times[6] : 0)
        stolen = times.count > 7 ? times[7] : 0
        self.processors = processors
    }

    /// Share of the time since `earlier` in which processors worked, 0…1; nil where the counters went back (a processor was taken out) or stood still.
    package func utilisation(since earlier: ProcessorTimes) -> Double? {
        let (worked, rested) = (busy - earlier.busy, idle - earlier.idle)
        guard worked >= 0, rested >= 0, worked + rested > 0 else { return nil }
        return Double(worked) / Double(worked + rested)
    }

    /// Share of the time since `earlier` that a hypervisor gave to others, 0…1; nil as above.
    package func stolenShare(since earlier: ProcessorTimes) -> Double? {
        let (taken, ours) = (stolen - earlier.stolen, busy - earlier.busy + idle - earlier.idle)
        guard taken >= 0, ours >= 0, taken + ours > 0 else { return nil }
        return Double(taken) / Double(taken + ours)
    }
}
