package import Sensors

/// How much memory this process may use: what the machine has, or what its control groups allow, whichever is smaller.
package struct MemoryDescription: Sendable, Equatable {
    /// `MemTotal`, in bytes; nil if it can't be read.
    package let totalBytes: Int64?
    /// `MemAvailable`, in bytes.
    package let availableBytes: Int64?
    /// The smallest limit of this process's control groups, in bytes; nil if there is none.
    package let groupLimitBytes: Int64?

    package init(totalBytes: Int64?, availableBytes: Int64?, groupLimitBytes: Int64?) {
        (self.totalBytes, self.availableBytes, self.groupLimitBytes) = (totalBytes, availableBytes, groupLimitBytes)
    }

    /// The smaller of total and limit; nil if neither is known.
    package var usableBytes: Int64? { [totalBytes, groupLimitBytes].compactMap(\.self).min() }

    /// Reads `/proc` and the control groups.
    package init(_ files: KernelFiles) {
        let limits = ControlGroups.memoryLimitFiles(selfCgroup: files.text("/proc/self/cgroup") ?? "")
        self.init(meminfo: files.text("/proc/meminfo") ?? "", groupLimits: limits.compactMap { files.text($0) })
    }

    /// Reads the text of `/proc/meminfo` and the texts of all limit files of this process's control groups.
    package init(meminfo: String, groupLimits: [String]) {
        totalBytes = Self.field("MemTotal", of: meminfo)
        availableBytes = Self.field("MemAvailable", of: meminfo)
        groupLimitBytes = groupLimits.compactMap(Self.limit).min()
    }

    private static func field(_ name: String, of meminfo: String) -> Int64? {
        for line in meminfo.split(separator: "\n") where line.hasPrefix(name + ":") {
            let words = line.split(separator: " ")
            guard words.count == 3, words[2] == "kB", let kibibytes = Int64(words[1]), kibibytes > 0 else { return nil }
            let (bytes, overflow) = kibibytes.multipliedReportingOverflow(by: 1_024)
            return overflow ? nil : bytes
        }
        return nil
    }

    /// `max` (v2), or a number near 2^63 rounded to pages (v1), mean that there is no limit.
    private static func limit(_ text: String) -> Int64? {
        guard let bytes = Int64(text[...].trimmed), bytes > 0, bytes < 1 << 60 else { return nil }
        return bytes
    }
}
