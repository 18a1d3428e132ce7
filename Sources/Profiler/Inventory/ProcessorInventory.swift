package import Sensors
import Wire

/// The processors of a machine: how many, how they hang together, what they can do. nil: Linux doesn't say.
package struct ProcessorInventory: Sendable, Equatable {
    /// One kind of cache: all of level 2, say.
    package struct Cache: Sendable, Equatable {
        package let level: Int
        /// `data`, `instruction` or `unified`.
        package let kind: String
        /// Of one of them.
        package let bytes: Int
        package let count: Int
    }

    package let model: String?
    /// Logical processors that are on line.
    package let processors: Int?
    package let cores: Int?
    package let sockets: Int?
    package let numaNodes: Int?
    package let caches: [Cache]
    package let isa: [String]
    /// The highest clock that Linux may choose, in MHz.
    package let largestMHz: Int?
    /// Logical processors that this process may run on (its affinity).
    package let allowed: Set<Int>?
    /// Processors' worth of time that its control groups allow; nil: no limit.
    package let groupCores: Int?
    package let microcode: String?

    /// Threads of one core; nil unless every core has as many.
    package var threadsPerCore: Int? {
        guard let processors, let cores, cores > 0, processors % cores == 0 else { return nil }
        return processors / cores
    }

    package init(_ files: KernelFiles, cpuinfo: CPUDescription) {
        let root = "/sys/devices/system/cpu"
        let online = files.text("\(root)/online").flatMap { ProcessorList($0)?.numbers }
        let numbers = (online ?? []).sorted()
        model = cpuinfo.model
        isa = cpuinfo.isa
        processors = online?.count ?? (cpuinfo.listedCores > 0 ? cpuinfo.listedCores : nil)
        let places = numbers.map { number -> (socket: Int64, core: Int64)? in
            guard let socket = files.integer("\(root)/cpu\(number)/topology/physical_package_id"),
                let core = files.integer("\(root)/cpu\(number)/topology/core_id")
            else { return nil }
            return (socket, core)
        }
        let known = places.compactMap(\.self)
        let isWhole = !known.isEmpty && known.count == places.count
        sockets = isWhole ? Set(known.map(\.socket)).count : nil
        cores = isWhole ? Set(known.map { [$0.socket, $0.core] }).count : nil
        let nodes = files.text("/sys/devices/system/node/online").flatMap { ProcessorList($0) }
        numaNodes = nodes?.numbers.count
        caches = Self.caches(files, root, numbers)
        largestMHz = numbers.compactMap { files.integer("\(root)/cpu\($0)/cpufreq/cpuinfo_max_freq") }.max().flatMap { $0 > 0 ? Int($0 / 1_000) : nil }
        allowed = files.text("/proc/self/status").flatMap { Self.field("Cpus_allowed_list:", of: $0) }.flatMap { ProcessorList($0)?.numbers }
        groupCores = ControlGroups.cores(selfCgroup: files.text("/proc/self/cgroup") ?? "") { files.text($0) }
        microcode = files.text("\(root)/cpu0/microcode/version")
    }

    private static func field(_ name: String, of text: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count)[...].trimmed) }
    }

    /// Each cache counts once, however many processors share it.
    private static func caches(_ files: KernelFiles, _ root: String, _ numbers: [Int]) -> [Cache] {
        struct Key: Hashable {
            let level: Int
            let kind: String
            let bytes: Int
        }
        var shared: [Key: Set<String>] = [:]
        for number in numbers {
            for index in files.names(in: "\(root)/cpu\(number)/cache") where index.hasPrefix("index") {
                let folder = "\(root)/cpu\(number)/cache/\(index)"
                guard let level = files.integer("\(folder)/level"), (1...9).contains(level), let kind = files.text("\(folder)/type")?.lowercased(),
                    let bytes = files.text("\(folder)/size").flatMap(Machine.cacheSize)
                else { continue }
                let key = Key(level: Int(level), kind: kind, bytes: bytes)
                shared[key, default: []].insert(files.text("\(folder)/shared_cpu_list") ?? "\(number)")
            }
        }
        return shared.map { Cache(level: $0.level, kind: $0.kind, bytes: $0.bytes, count: $1.count) }
            .sorted { ($0.level, $0.kind, $0.bytes) < ($1.level, $1.kind, $1.bytes) }
    }
}
