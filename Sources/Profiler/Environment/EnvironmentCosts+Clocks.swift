import Sensors

/// What the kernel's settings of clocks and memory cost.
///
/// Sources: Linux, Documentation/admin-guide/pm/cpufreq.rst, intel_pstate.rst, amd-pstate.rst; admin-guide/mm/transhuge.rst.
extension EnvironmentCosts {
    private static let cpu = "/sys/devices/system/cpu"

    /// `powersave` holds the lowest clock, but not under drivers that choose clocks by themselves: there it is the usual mode, and the hint for
    /// energy decides.
    var clockGovernor: EnvironmentCost? {
        let folder = "\(Self.cpu)/cpu0/cpufreq"
        guard let governor = files.text("\(folder)/scaling_governor"), let driver = files.text("\(folder)/scaling_driver") else { return nil }
        let remedy = "cpupower frequency-set -g performance"
        if ["intel_pstate", "amd-pstate-epp"].contains(driver) {
            guard let hint = files.text("\(folder)/energy_performance_preference"), ["power", "balance_power"].contains(hint) else { return nil }
            return EnvironmentCost(
                .clockGovernor, found: "the processor is told to save energy (energy_performance_preference is \(hint))",
                cost: "lower clocks under load; how much is not measured",
                remedy: "echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference (as root)")
        }
        guard governor == "powersave" else { return nil }
        let (low, high) = (files.integer("\(folder)/cpuinfo_min_freq"), files.integer("\(folder)/cpuinfo_max_freq"))
        guard let low, let high, low > 0, high >= low else {
            return EnvironmentCost(
                .clockGovernor, found: "the clock governor is powersave", cost: "the lowest clock is held; how low is not shown", remedy: remedy)
        }
        return EnvironmentCost(
            .clockGovernor, found: "the clock governor is powersave", cost: "the clock is held at \(low / 1_000) of \(high / 1_000) MHz", remedy: remedy,
            share: Double(low) / Double(high))
    }

    var turbo: EnvironmentCost? {
        let (intel, generic) = ("\(Self.cpu)/intel_pstate/no_turbo", "\(Self.cpu)/cpufreq/boost")
        let isIntel = files.integer(intel) == 1
        guard isIntel || files.integer(generic) == 0 else { return nil }
        let folder = "\(Self.cpu)/cpu0/cpufreq"
        let (base, top) = (files.integer("\(folder)/base_frequency"), files.integer("\(folder)/cpuinfo_max_freq"))
        var share: Double?
        var cost = "the highest clocks are not used; how much that is, is not shown"
        if let base, let top, base > 0, top > base {
            share = Double(base) / Double(top)
            cost = "at most \(base / 1_000) of \(top / 1_000) MHz: the most it can cost, with one core at work"
        }
        return EnvironmentCost(
            .turboOff, found: "turbo is switched off", cost: cost, remedy: isIntel ? "echo 0 > \(intel) (as root)" : "echo 1 > \(generic) (as root)",
            share: share)
    }

    var hugePages: EnvironmentCost? {
        let file = "/sys/kernel/mm/transparent_hugepage/enabled"
        guard let modes = files.text(file), modes.contains("[never]") else { return nil }
        return EnvironmentCost(
            .hugePagesOff, found: "transparent huge pages are switched off",
            cost: "not measured here; on the machine it was measured on, products of 1000 × 1000 took up to a tenth longer in small pages",
            remedy: "echo madvise > \(file) (as root)")
    }
}
