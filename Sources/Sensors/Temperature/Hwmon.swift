/// The kernel's hardware monitors: chips with temperatures and power, `/sys/class/hwmon`.
///
/// Source: Linux, Documentation/hwmon/sysfs-interface.rst: `tempN_input` in thousandths of a degree, `powerN_average` and `powerN_input` in
/// millionths of a watt, `tempN_label` in words.
package struct Hwmon: Sendable {
    /// One value that a chip shows.
    package struct Sensor: Sendable, Equatable {
        /// `coretemp`, `k10temp`, `amdgpu`, …
        package let chip: String
        /// The chip's own word for it, or the file's name.
        package let label: String
        /// The file, from the root on.
        package let path: String

        /// For people: `k10temp Tctl`.
        package var name: String { "\(chip) \(label)" }
    }

    private let files: KernelFiles

    package init(_ files: KernelFiles) { self.files = files }

    /// What tells a processor's temperature, best first; empty where nothing does.
    ///
    /// By chip: the processor's own (coretemp; k10temp or zenpower; cpu_thermal and scpi on ARM boards), then the firmware's thermal zone. By label:
    /// the package as a whole, then the die without the offset that some AMD processors add for fan curves (Tdie before Tctl), then single
    /// dies or cores. All sensors of the best label's kind are read and the hottest counts: two sockets are two chips.
    package func processorTemperatures() -> [Sensor] {
        let chips = ["coretemp", "k10temp", "zenpower", "cpu_thermal", "scpi_sensors", "acpitz"]
        for chip in chips {
            let all = temperatures(ofChips: folders { $0 == chip })
            for kind in ["Package id", "Tdie", "Tctl", "Tccd", "Core", ""] {
                let found = all.filter { $0.label.hasPrefix(kind) }
                if !found.isEmpty { return found }
            }
        }
        return []
    }

    /// Temperatures of the device at a PCI address; `edge` before `junction` and memory, which governors' targets don't mean.
    package func temperatures(ofPCI address: String) -> [Sensor] {
        let all = temperatures(ofChips: folders(ofPCI: address))
        let edge = all.filter { ["edge", "pkg", "Package id 0"].contains($0.label) }
        return edge.isEmpty ? Array(all.prefix(1)) : edge
    }

    /// Watts of the device at a PCI address: an average where the chip keeps one.
    package func power(ofPCI address: String) -> Sensor? {
        for folder in folders(ofPCI: address) {
            for file in ["power1_average", "power1_input"] where files.exists("\(folder)/\(file)") {
                return Sensor(chip: files.text("\(folder)/name") ?? "hwmon", label: file, path: "\(folder)/\(file)")
            }
        }
        return nil
    }

    /// In °C; nil where it can't be read or can't be true.
    package func celsius(_ sensor: Sensor) -> Double? {
        files.integer(sensor.path).flatMap { PlausibleRange.temperature(Double($0) / 1_000) }
    }

    /// In watts.
    package func watts(_ sensor: Sensor) -> Double? { files.integer(sensor.path).flatMap { PlausibleRange.power(Double($0) / 1e6) } }

    private func temperatures(ofChips folders: [String]) -> [Sensor] {
        folders.flatMap { folder in
            files.names(in: folder).filter { $0.hasPrefix("temp") && $0.hasSuffix("_input") }.map { file in
                let stem = String(file.dropLast("_input".count))
                return Sensor(chip: files.text("\(folder)/name") ?? "hwmon", label: files.text("\(folder)/\(stem)_label") ?? stem, path: "\(folder)/\(file)")
            }
        }
    }

    private func folders(where isWanted: (String) -> Bool) -> [String] {
        files.names(in: "/sys/class/hwmon").map { "/sys/class/hwmon/\($0)" }.filter { files.text("\($0)/name").map(isWanted) == true }
    }

    private func folders(ofPCI address: String) -> [String] {
        let parent = "/sys/bus/pci/devices/\(address)/hwmon"
        return files.names(in: parent).map { "\(parent)/\($0)" }
    }
}
