package import Sensors

/// What this machine has, as far as it can be read without measuring anything. What can't be read is nil, empty or `unknown`, never guessed.
package struct Inventory: Sendable, Equatable {
    package let processor: ProcessorInventory
    package let memory: MemoryDescription
    package let disk: DiskInventory
    package let network: NetworkInventory
    package let accelerators: [AcceleratorInventory]
    package let sensors: [SensorReport]
    package let system: SystemInventory

    /// - Parameters:
    ///   - folder: the miner's data.
    ///   - accelerators: what OpenCL's drivers say.
    ///   - sensors: what was looked for, and found.
    ///   - network: what was measured to the coordinator.
    package static func take(
        _ files: KernelFiles = KernelFiles(), folder: String, accelerators: [AcceleratorInventory.Described] = [], sensors: [SensorReport] = [],
        network: NetworkInventory.Measured? = nil
    ) -> Inventory {
        Inventory(
            processor: ProcessorInventory(files, cpuinfo: CPUDescription(cpuinfo: files.text("/proc/cpuinfo") ?? "")),
            memory: MemoryDescription(files), disk: DiskInventory(files, folder: folder), network: NetworkInventory(files, measured: network),
            accelerators: accelerators.map { AcceleratorInventory($0, files) }, sensors: sensors, system: SystemInventory(files))
    }
}

/// What runs the machine.
package struct SystemInventory: Sendable, Equatable {
    /// `Debian GNU/Linux 12 (bookworm)`.
    package let distribution: String?
    package let kernel: String?
    /// `docker`, `podman`, …, by what they leave behind; nil: none is seen.
    package let container: String?
    /// Whether a hypervisor says that it is there; nil where the processor doesn't tell.
    package let isVirtual: Bool?

    package init(_ files: KernelFiles) {
        distribution = files.text("/etc/os-release").flatMap { text in
            text.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }.map { String($0.dropFirst(12)).filter { $0 != "\"" } }
        }
        kernel = files.text("/proc/sys/kernel/osrelease")
        if files.exists("/.dockerenv") {
            container = "docker"
        } else if files.exists("/run/.containerenv") {
            container = "podman"
        } else {
            container = files.text("/run/systemd/container")
        }
        let flags = files.text("/proc/cpuinfo").flatMap { text in text.split(separator: "\n").first { $0.hasPrefix("flags") } }
        isVirtual = flags.map { $0.split(separator: " ").contains("hypervisor") }
    }
}
