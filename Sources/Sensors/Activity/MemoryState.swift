/// How short of memory the machine and this process's control groups are.
package struct MemoryState: Sendable {
    private let files: KernelFiles
    private let folders: [(path: String, isUnified: Bool)]

    package init(_ files: KernelFiles) {
        self.files = files
        folders = ControlGroups.memoryFolders(selfCgroup: files.text("/proc/self/cgroup") ?? "")
    }

    /// PSI's `some` and `full` over the last ten seconds, in per cent: the machine's or a group's, whichever is more.
    ///
    /// Source: Linux, Documentation/accounting/psi.rst.
    package var pressure: (some: Double?, full: Double?) {
        let texts = (["/proc/pressure/memory"] + folders.filter(\.isUnified).map { "\($0.path)/memory.pressure" }).compactMap { files.text($0) }
        return (texts.compactMap { Self.average(of: "some", in: $0) }.max(), texts.compactMap { Self.average(of: "full", in: $0) }.max())
    }

    static func average(of kind: String, in text: String) -> Double? {
        for line in text.split(separator: "\n") where line.hasPrefix(kind + " ") {
            guard let word = line.split(separator: " ").first(where: { $0.hasPrefix("avg10=") }), let value = Double(word.dropFirst(6)) else { return nil }
            return (0...100).contains(value) ? value : nil
        }
        return nil
    }

    /// How often the kernel found nothing left under a limit of these groups, and killed a process of the own group for it; nil where it doesn't count.
    ///
    /// The counts `high` and `max` beside them rise in every group that reads files up to its limit, whose pages are then given back: what that costs
    /// is pressure's to tell. Kills in an ancestor are those of others within their own limits, too.
    ///
    /// Source: Linux, Documentation/admin-guide/cgroup-v2.rst (memory.events), cgroup-v1/memory.rst (memory.oom_control).
    package var outOfMemory: Int64? {
        var counts = folders.filter(\.isUnified).map { count("oom", in: "\($0.path)/memory.events.local") }
        if let own = folders.first { counts.append(count("oom_kill", in: "\(own.path)/\(own.isUnified ? "memory.events" : "memory.oom_control")")) }
        let known = counts.compactMap(\.self)
        return known.isEmpty ? nil : known.reduce(0) { Int64(clamping: UInt64($0) + UInt64($1)) }
    }

    private func count(_ name: String, in file: String) -> Int64? { files.text(file).flatMap { Self.field(name, of: $0) } }

    /// Bytes that this process could still take without swapping: `MemAvailable`, or what a group's limit leaves, whichever is less.
    package var freeBytes: Int64? {
        let machine = files.text("/proc/meminfo").flatMap { Self.field("MemAvailable:", of: $0) }.flatMap { kibibytes -> Int64? in
            let (bytes, overflow) = kibibytes.multipliedReportingOverflow(by: 1_024)
            return overflow ? nil : bytes
        }
        return ([machine] + folders.map { left(in: $0.path, isUnified: $0.isUnified) }).compactMap(\.self).min()
    }

    /// A group's limit less its use; files' pages that nobody used lately are given back before anybody is killed, so they count as free.
    private func left(in folder: String, isUnified: Bool) -> Int64? {
        let limits = isUnified ? ["memory.max", "memory.high"] : ["memory.limit_in_bytes"]
        // `max` (v2), or a number near 2^63 rounded to pages (v1), mean that there is no limit.
        guard let limit = limits.compactMap({ files.integer("\(folder)/\($0)") }).filter({ (0..<1 << 60).contains($0) }).min(),
            let used = files.integer("\(folder)/\(isUnified ? "memory.current" : "memory.usage_in_bytes")"), (0..<1 << 60).contains(used)
        else { return nil }
        let name = isUnified ? "inactive_file" : "total_inactive_file"
        let idle = files.text("\(folder)/memory.stat").flatMap { Self.field(name, of: $0) } ?? 0
        return max(0, limit - used + min(max(0, idle), used))
    }

    private static func field(_ name: String, of text: String) -> Int64? {
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            let words = line.split(separator: " ")
            guard words.count >= 2, words[0] == name else { continue }
            return Int64(words[1]).flatMap { $0 >= 0 ? $0 : nil }
        }
        return nil
    }
}
