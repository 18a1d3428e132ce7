package import Sensors

/// What disturbed a measurement, from the kernel's counters before and after it.
package struct LoadWatch: Sendable {
    package struct Outcome: Sendable, Equatable {
        /// Share of the processors' time that other programs took; nil where it can't be known.
        package var othersShare: Double?
        /// Share that the hypervisor gave to others.
        package var stolenShare: Double?
        /// Times that a processor slowed itself down because it was too hot.
        package var throttles: Int64?

        package init(othersShare: Double? = nil, stolenShare: Double? = nil, throttles: Int64? = nil) {
            (self.othersShare, self.stolenShare, self.throttles) = (othersShare, stolenShare, throttles)
        }
    }

    private let files: KernelFiles
    private var others: OtherPrograms
    private let times: ProcessorTimes?
    private let throttles: Int64?

    /// Begins to watch.
    package init(_ files: KernelFiles = KernelFiles()) {
        self.files = files
        others = OtherPrograms(files)
        _ = others.share()
        times = files.text("/proc/stat").flatMap { ProcessorTimes(stat: $0) }
        throttles = Self.throttles(files)
    }

    /// What happened since.
    package mutating func end() -> Outcome {
        let now = files.text("/proc/stat").flatMap { ProcessorTimes(stat: $0) }
        let heat = Self.throttles(files).flatMap { after in throttles.map { max(0, after - $0) } }
        return Outcome(othersShare: others.share(), stolenShare: times.flatMap { before in now.flatMap { $0.stolenShare(since: before) } }, throttles: heat)
    }

    /// Source: Linux, Documentation/ABI/testing/sysfs-devices-system-cpu: thermal_throttle (Intel).
    private static func throttles(_ files: KernelFiles) -> Int64? {
        let counts = files.names(in: "/sys/devices/system/cpu").filter { $0.hasPrefix("cpu") && $0.dropFirst(3).allSatisfy(\.isNumber) }.compactMap {
            files.integer("/sys/devices/system/cpu/\($0)/thermal_throttle/core_throttle_count")
        }.filter { (0..<1 << 40).contains($0) }
        return counts.isEmpty ? nil : counts.reduce(0, +)
    }
}
