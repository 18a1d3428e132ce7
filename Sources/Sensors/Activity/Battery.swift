/// Whether the machine runs on a battery: `/sys/class/power_supply`.
///
/// Source: Linux, Documentation/ABI/testing/sysfs-class-power. Batteries of mice and headsets have the scope `Device`.
package enum Battery {
    /// true: a battery of the system is being used up and no mains supply is plugged in; false: otherwise, also without any battery; nil: the
    /// kernel doesn't show supplies, or a battery doesn't say what it does.
    package static func isInUse(_ files: KernelFiles) -> Bool? {
        let folder = "/sys/class/power_supply"
        guard files.exists(folder) else { return nil }
        var states: [String?] = []
        for name in files.names(in: folder) where files.text("\(folder)/\(name)/scope") != "Device" {
            switch files.text("\(folder)/\(name)/type") {
            // Some laptops use their battery up to a threshold although they are plugged in: that costs the owner nothing.
            case "Mains", "USB", "Wireless": if files.integer("\(folder)/\(name)/online") == 1 { return false }
            case "Battery", "UPS": states.append(files.text("\(folder)/\(name)/status"))
            default: break
            }
        }
        if states.contains("Discharging") { return true }
        return states.contains { $0 == nil || $0 == "Unknown" } ? nil : false
    }
}
