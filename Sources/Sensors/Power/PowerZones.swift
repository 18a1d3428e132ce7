/// The processor's own count of its energy: RAPL behind the kernel's powercap files, on Intel and, since Linux 5.8, AMD.
///
/// Only packages count: their figure holds cores and uncore already, `psys` holds the package, and `intel-rapl-mmio` shows the same counters again.
/// Memory has zones of its own and is left out: a target in watts means the processor. Since the side channel of CVE-2020-8694 only root may read the counter.
package struct PowerZones: Sendable {
    private static let folder = "/sys/class/powercap"

    private let files: KernelFiles
    private var zones: [EnergyZone]
    /// Why there is no figure; nil where there is one.
    package let reason: String?
    /// The command that mends it, if one does.
    package let remedy: String?

    package init(_ files: KernelFiles) {
        self.files = files
        let found = files.names(in: Self.folder).filter { $0.hasPrefix("intel-rapl:") && $0.filter { $0 == ":" }.count == 1 }.compactMap {
            zone -> EnergyZone? in
            let path = "\(Self.folder)/\(zone)"
            guard let name = files.text("\(path)/name"), name.hasPrefix("package") else { return nil }
            return EnergyZone(name: name, path: "\(path)/energy_uj", range: files.integer("\(path)/max_energy_range_uj"))
        }
        zones = found
        guard let first = found.first else {
            reason = "the kernel shows no energy counters (RAPL): a virtual machine, another processor, or the module intel_rapl_msr is not loaded"
            remedy = "modprobe intel_rapl_msr"
            return
        }
        do throws(KernelFiles.Failure) {
            _ = try files.read(first.path)
            (reason, remedy) = (nil, nil)
        } catch {
            reason = "\(first.path): \(error.text)"
            remedy = error == .denied ? "chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj (as root, at each start of the machine)" : nil
        }
    }

    /// The zones' names, for people.
    package var names: [String] { zones.map(\.name) }

    /// Watts of all packages since the reading before; nil if one of them is missing: a sum without a socket would be a lie.
    package mutating func power(at now: Duration) -> Double? {
        var sum = 0.0
        var isWhole = !zones.isEmpty
        for index in zones.indices {
            if let watts = zones[index].power(files.integer(zones[index].path), at: now) { sum += watts } else { isWhole = false }
        }
        return isWhole ? sum : nil
    }
}
