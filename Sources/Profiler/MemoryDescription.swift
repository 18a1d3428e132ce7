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

/// Where a process's control groups keep their limits.
package enum ControlGroups {
    /// Every file under `/sys/fs/cgroup` that may hold a memory limit of the process, from the text of `/proc/self/cgroup`:
    /// its own group's and each ancestor's, for version 2 and version 1.
    package static func memoryLimitFiles(selfCgroup: String) -> [String] {
        files(selfCgroup, unified: "memory.max", controller: "memory", legacy: "memory.limit_in_bytes")
    }

    /// The same for CPU time; version 2 only (`cpu.max`).
    package static func cpuLimitFiles(selfCgroup: String) -> [String] { files(selfCgroup, unified: "cpu.max", controller: nil, legacy: "") }

    /// Cores that `cpu.max` (`quota period`) allows, rounded up; nil for `max`.
    package static func cores(cpuMax: String) -> Int? {
        let words = cpuMax.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let quota = Int(words[0]), let period = Int(words[1]), quota > 0, period > 0 else { return nil }
        return quota / period + (quota % period == 0 ? 0 : 1)
    }

    private static func files(_ selfCgroup: String, unified: String, controller: String?, legacy: String) -> [String] {
        var result: [String] = []
        for line in selfCgroup.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].hasPrefix("/"), !parts[2].contains("..") else { continue }
            if parts[0] == "0", parts[1].isEmpty {
                result += ancestors(parts[2]).map { "/sys/fs/cgroup\($0)/\(unified)" }
            } else if let controller, parts[1].split(separator: ",").contains(Substring(controller)) {
                result += ancestors(parts[2]).map { "/sys/fs/cgroup/\(controller)\($0)/\(legacy)" }
            }
        }
        return result
    }

    /// `/a/b` gives `/a/b`, `/a` and the root, which is empty.
    private static func ancestors(_ path: Substring) -> [String] {
        let names = path.split(separator: "/")
        return (0...names.count).reversed().map { names.prefix($0).map { "/" + $0 }.joined() }
    }
}
