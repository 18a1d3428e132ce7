/// How much of the processors other programs take: all that is busy, less what this process and its ended children took.
package struct OtherPrograms: Sendable {
    private let files: KernelFiles
    private var last: (times: ProcessorTimes, own: Int64)?

    package init(_ files: KernelFiles) { self.files = files }

    /// Share of all processors' time since the call before, 0…1; nil for the first, and where the files don't say.
    package mutating func share() -> Double? {
        guard let times = files.text("/proc/stat").flatMap({ ProcessorTimes(stat: $0) }), let own = files.text("/proc/self/stat").flatMap(Self.ticks) else {
            last = nil
            return nil
        }
        defer { self.last = (times, own) }
        guard let last = self.last, let busy = times.utilisation(since: last.times), own >= last.own else { return nil }
        let total = times.busy + times.idle - last.times.busy - last.times.idle
        // The two files are read one after the other, and ticks are rounded: a little less than nothing is nothing.
        return min(1, max(0, busy - Double(own - last.own) / Double(total)))
    }

    /// User and system time of the process and of children it waited for, in ticks.
    ///
    /// Source: proc_pid_stat(5), fields 14 to 17. The name in field 2 may hold blanks and brackets: what counts comes after the last bracket.
    static func ticks(selfStat: String) -> Int64? {
        guard let bracket = selfStat.lastIndex(of: ")") else { return nil }
        let words = selfStat[selfStat.index(after: bracket)...].split(separator: " ")
        guard words.count >= 15 else { return nil }
        let times = words[11...14].map { Int64($0) ?? -1 }
        guard times.allSatisfy({ (0..<1 << 56).contains($0) }) else { return nil }
        return times.reduce(0, +)
    }
}
