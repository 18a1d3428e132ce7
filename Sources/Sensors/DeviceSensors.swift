import Wire

/// The sensors of one device, with what they said last.
struct DeviceSensors: Sendable {
    let device: SensedDevice
    private let files: KernelFiles
    private let gpu: NVMLDevice?
    private var zones: PowerZones?
    private var times: ProcessorTimes?
    private var energy: (millijoules: UInt64, at: Duration)?
    private var chips: [Hwmon.Sensor]
    private var soughtAt: Duration?
    private(set) var measuredAt: Duration = .zero
    var averages: (power: Double?, utilisation: Double?) = (nil, nil)

    init(_ device: SensedDevice, files: KernelFiles, gpu: NVMLDevice?) {
        (self.device, self.files, self.gpu) = (device, files, gpu)
        zones = device.isProcessor ? PowerZones(files) : nil
        chips = Self.find(device, files)
    }

    private static func find(_ device: SensedDevice, _ files: KernelFiles) -> [Hwmon.Sensor] {
        if device.isProcessor { return Hwmon(files).processorTemperatures() }
        return device.pciAddress.map { Hwmon(files).temperatures(ofPCI: $0) } ?? []
    }

    /// The hottest of the device's sensors, in °C; nil as soon as one of them can't be read or lies: the one that is silent may be the hot one.
    mutating func temperature(at now: Duration, pause: Duration) -> Double? {
        if let gpu { return gpu.temperature }
        if let hottest = hottest() { return hottest }
        if let soughtAt, now - soughtAt < pause, now >= soughtAt { return nil }
        soughtAt = now
        chips = Self.find(device, files)
        return hottest()
    }

    private func hottest() -> Double? {
        let all = chips.map { Hwmon(files).celsius($0) }
        return all.contains(nil) ? nil : all.compactMap(\.self).max()
    }

    /// Power and utilisation since the call before.
    mutating func measure(at now: Duration) -> (power: Double?, utilisation: Double?) {
        measuredAt = now
        if let gpu { return (power(of: gpu, at: now), gpu.utilisation) }
        guard device.isProcessor else {
            let busy = device.pciAddress.flatMap { files.integer("/sys/bus/pci/devices/\($0)/gpu_busy_percent") }
            return (
                device.pciAddress.flatMap { Hwmon(files).power(ofPCI: $0) }.flatMap { Hwmon(files).watts($0) },
                busy.flatMap { PlausibleRange.share(Double($0) / 100) }
            )
        }
        let before = times
        times = files.text("/proc/stat").flatMap { ProcessorTimes(stat: $0) }
        let utilisation = before.flatMap { before in times.flatMap { $0.utilisation(since: before) } }
        return (zones?.power(at: now), utilisation)
    }

    /// By the energy counter where there is one, which misses nothing between two readings; it moves about 10 times a second.
    private mutating func power(of gpu: NVMLDevice, at now: Duration) -> Double? {
        guard let millijoules = gpu.millijoules else { return gpu.power }
        defer { energy = (millijoules, now) }
        guard let energy, millijoules > energy.millijoules, now - energy.at >= .seconds(1) else { return gpu.power }
        return PlausibleRange.power(Double(millijoules - energy.millijoules) / 1e3 / (now - energy.at).seconds)
    }

    /// Where each figure comes from, or why there is none.
    func report(nvml failure: NVMLLibrary.Failure?) -> [SensorReport] {
        SensorReport.Quantity.allCases.map { quantity in
            if gpu != nil { return SensorReport(device: device.name, quantity: quantity, source: "NVML") }
            if device.isNVIDIA, !device.isProcessor { return missing(quantity, nvml: failure) }
            switch quantity {
            case .temperature:
                guard !chips.isEmpty else { return missing(quantity) }
                return SensorReport(device: device.name, quantity: quantity, source: chips.map(\.name).joined(separator: ", "))
            case .power:
                if let zones {
                    guard let reason = zones.reason else {
                        return SensorReport(device: device.name, quantity: quantity, source: "RAPL \(zones.names.joined(separator: ", "))")
                    }
                    return SensorReport(device: device.name, quantity: quantity, reason: reason, remedy: zones.remedy)
                }
                guard let sensor = device.pciAddress.flatMap({ Hwmon(files).power(ofPCI: $0) }) else { return missing(quantity) }
                return SensorReport(device: device.name, quantity: quantity, source: sensor.name)
            case .utilisation:
                if device.isProcessor {
                    guard times != nil else { return SensorReport(device: device.name, quantity: quantity, reason: "/proc/stat can't be read") }
                    return SensorReport(device: device.name, quantity: quantity, source: "/proc/stat")
                }
                guard let address = device.pciAddress, files.exists("/sys/bus/pci/devices/\(address)/gpu_busy_percent") else { return missing(quantity) }
                return SensorReport(device: device.name, quantity: quantity, source: "gpu_busy_percent")
            }
        }
    }

    private func missing(_ quantity: SensorReport.Quantity) -> SensorReport {
        if device.isProcessor {
            return SensorReport(
                device: device.name, quantity: quantity,
                reason: "no chip of the processor under /sys/class/hwmon: a virtual machine, or the module (coretemp, k10temp) is not loaded",
                remedy: "modprobe coretemp || modprobe k10temp")
        }
        guard let address = device.pciAddress else {
            return SensorReport(device: device.name, quantity: quantity, reason: "its driver does not say where it is on the PCI bus")
        }
        return SensorReport(device: device.name, quantity: quantity, reason: "its driver shows none under /sys/bus/pci/devices/\(address)")
    }

    private func missing(_ quantity: SensorReport.Quantity, nvml failure: NVMLLibrary.Failure?) -> SensorReport {
        guard let failure else {
            return SensorReport(device: device.name, quantity: quantity, reason: "NVML lists no GPU at its PCI address, nor one of its name that is left over")
        }
        return SensorReport(
            device: device.name, quantity: quantity, reason: "NVML: \(failure.text)",
            remedy: failure.number == -1 ? "apt-get install libnvidia-ml1" : "nvidia-smi (its message says what the driver lacks)")
    }
}
