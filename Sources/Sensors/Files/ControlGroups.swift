/// Where a process's control groups keep their limits and counts.
package enum ControlGroups {
    /// Every file under `/sys/fs/cgroup` that may hold a memory limit of the process, from the text of `/proc/self/cgroup`:
    /// its own group's and each ancestor's, for version 2 and version 1.
    package static func memoryLimitFiles(selfCgroup: String) -> [String] {
        memoryFolders(selfCgroup: selfCgroup).map { "\($0.path)/\($0.isUnified ? "memory.max" : "memory.limit_in_bytes")" }
    }

    /// The folders themselves, own group first.
    package static func memoryFolders(selfCgroup: String) -> [(path: String, isUnified: Bool)] { folders(selfCgroup, controller: "memory") }

    /// Cores that these groups allow, from all their files of CPU time, rounded up; nil for no limit.
    ///
    /// - Parameter read: gives a file's text.
    package static func cores(selfCgroup: String, read: (String) -> String?) -> Int? {
        folders(selfCgroup, controller: "cpu").compactMap { folder in
            if folder.isUnified { return read("\(folder.path)/cpu.max").flatMap(cores(cpuMax:)) }
            guard let quota = read("\(folder.path)/cpu.cfs_quota_us"), let period = read("\(folder.path)/cpu.cfs_period_us") else { return nil }
            return cores(cpuMax: "\(quota.trimmed) \(period.trimmed)")
        }.min()
    }

    /// Cores that `cpu.max` (`quota period`) allows, rounded up; nil for `max`, which version 1 writes as −1.
    package static func cores(cpuMax: String) -> Int? {
        let words = cpuMax.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let quota = Int(words[0]), let period = Int(words[1]), quota > 0, period > 0 else { return nil }
        return quota / period + (quota % period == 0 ? 0 : 1)
    }

    /// Version 2 is mounted at the root of `/sys/fs/cgroup` where it is alone, at `unified` where version 1 is beside it (systemd's hybrid).
    private static func folders(_ selfCgroup: String, controller: String) -> [(path: String, isUnified: Bool)] {
        let lines = selfCgroup.split(separator: "\n").compactMap { line -> (id: Substring, controllers: Substring, path: Substring)? in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].hasPrefix("/"), !parts[2].contains("..") else { return nil }
            return (parts[0], parts[1], parts[2])
        }
        let hasLegacy = lines.contains { !$0.controllers.isEmpty }
        return lines.flatMap { line -> [(path: String, isUnified: Bool)] in
            if line.id == "0", line.controllers.isEmpty {
                let mount = hasLegacy ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup"
                return ancestors(line.path).map { (mount + $0, true) }
            }
            guard line.controllers.split(separator: ",").contains(Substring(controller)) else { return [] }
            return ancestors(line.path).map { ("/sys/fs/cgroup/\(controller)\($0)", false) }
        }
    }

    /// `/a/b` gives `/a/b`, `/a` and the root, which is empty.
    private static func ancestors(_ path: Substring) -> [String] {
        let names = path.split(separator: "/")
        return (0...names.count).reversed().map { names.prefix($0).map { "/" + $0 }.joined() }
    }
}
