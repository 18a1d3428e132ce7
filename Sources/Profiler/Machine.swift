import Foundation
package import Sensors

/// What can be read about this machine without measuring anything.
package struct Machine: Sendable, Equatable {
    package let cpu: CPUDescription
    package let memory: MemoryDescription
    /// Threads that may run at once: the processors this process may use, or its share of CPU time where that is less. At least 1.
    package let cores: Int
    /// Size of the last-level cache that Linux reports; nil if unknown.
    package let lastLevelCacheBytes: Int?
    /// What else speeds hang on, as texts to compare: kernel, microcode, clock governor and driver, turbo, huge pages, graphics drivers.
    package let surroundings: [String]

    package init(cpu: CPUDescription, memory: MemoryDescription, cores: Int, lastLevelCacheBytes: Int?, surroundings: [String] = []) {
        (self.cpu, self.memory, self.cores, self.lastLevelCacheBytes) = (cpu, memory, max(1, cores), lastLevelCacheBytes)
        self.surroundings = surroundings
    }

    private static let surroundingFiles = [
        "/proc/sys/kernel/osrelease", "/sys/devices/system/cpu/cpu0/microcode/version", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver", "/sys/devices/system/cpu/cpu0/cpufreq/energy_performance_preference",
        "/sys/devices/system/cpu/intel_pstate/no_turbo", "/sys/devices/system/cpu/cpufreq/boost", "/sys/devices/system/cpu/smt/active",
        "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/module/nvidia/version", "/sys/module/amdgpu/version",
    ]

    /// Reads `/proc` and `/sys`.
    package static func current(_ files: KernelFiles = KernelFiles()) -> Machine {
        let share = ControlGroups.cores(selfCgroup: files.text("/proc/self/cgroup") ?? "") { files.text($0) }
        return Machine(
            cpu: CPUDescription(cpuinfo: files.text("/proc/cpuinfo") ?? ""),
            memory: MemoryDescription(files),
            cores: min(ProcessInfo.processInfo.activeProcessorCount, share ?? .max),
            lastLevelCacheBytes: [3, 2].lazy.compactMap { files.text("/sys/devices/system/cpu/cpu0/cache/index\($0)/size") }.compactMap(cacheSize).first,
            surroundings: surroundingFiles.map { "\($0)=\(files.text($0) ?? "")" })
    }

    /// `32768K` or `32M` in bytes.
    package static func cacheSize(_ text: String) -> Int? {
        let text = text[...].trimmed
        let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        guard let last = text.last else { return nil }
        let unit = units[last]
        guard let number = Int(unit == nil ? text : text.dropLast()), number > 0 else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
        return overflow ? nil : bytes
    }
}
