import Operations
import Sensors
import TestSupport
import Testing

@Suite("Temperatures of real files") struct HwmonTests {
    private func sensors(_ folder: KernelFolder) -> SystemSensors { SystemSensors(files: folder.files, nvml: nil) }

    @Test("The processor's chip counts, not the disk's; of two sockets the hotter one") func packages() throws {
        let folder = try KernelFolder()
        try folder.chip(0, "nvme", ["temp1_input": "91000", "temp1_label": "Composite"])
        try folder.chip(1, "coretemp", ["temp1_input": "61000", "temp1_label": "Package id 0", "temp2_input": "70000", "temp2_label": "Core 0"])
        try folder.chip(10, "coretemp", ["temp1_input": "64500", "temp1_label": "Package id 1"])
        let sensors = sensors(folder)
        #expect(sensors.read(device: "cpu").temperature == 64.5)
        #expect(sensors.report().first { $0.quantity == .temperature }?.source == "coretemp Package id 0, coretemp Package id 1")
        #expect(sensors.read(device: "opencl:7") == SensorReading())
    }

    @Test("The die before the figure with an offset for fans") func offset() throws {
        let folder = try KernelFolder()
        try folder.chip(2, "k10temp", ["temp1_input": "82000", "temp1_label": "Tctl", "temp2_input": "55000", "temp2_label": "Tdie"])
        #expect(sensors(folder).read(device: "cpu").temperature == 55)
        try folder.remove("/sys/class/hwmon/hwmon2/temp2_label")
        #expect(sensors(folder).read(device: "cpu").temperature == 82)
    }

    @Test("What can't be true is unknown", arguments: ["0", "127000", "-128000", "9000000", "85.5", "", "hot", "99999999999999999999"])
    func lies(text: String) throws {
        let folder = try KernelFolder()
        try folder.chip(0, "k10temp", ["temp1_input": text, "temp1_label": "Tctl"])
        #expect(sensors(folder).read(device: "cpu").temperature == nil)
    }

    @Test("One silent sensor of two makes the whole unknown") func silent() throws {
        let folder = try KernelFolder()
        try folder.chip(0, "coretemp", ["temp1_input": "50000", "temp1_label": "Package id 0"])
        try folder.chip(1, "coretemp", ["temp1_input": "0", "temp1_label": "Package id 1"])
        #expect(sensors(folder).read(device: "cpu").temperature == nil)
    }

    @Test("A sensor that vanishes is unknown, and found again under its new number") func vanishes() throws {
        let folder = try KernelFolder()
        try folder.chip(0, "k10temp", ["temp1_input": "50000", "temp1_label": "Tctl"])
        let clock = Clock()
        let sensors = SystemSensors(files: folder.files, nvml: nil, now: clock.now)
        #expect(sensors.read(device: "cpu").temperature == 50)
        try folder.remove("/sys/class/hwmon/hwmon0")
        #expect(sensors.read(device: "cpu").temperature == nil)
        try folder.chip(5, "k10temp", ["temp1_input": "51000", "temp1_label": "Tctl"])
        clock.advance(by: .seconds(5))
        #expect(sensors.read(device: "cpu").temperature == nil, "looked for every ten seconds, not at each reading")
        clock.advance(by: .seconds(6))
        #expect(sensors.read(device: "cpu").temperature == 51)
    }

    @Test("A GPU of sysfs, by its PCI address") func radeon() throws {
        let folder = try KernelFolder()
        let address = "0000:03:00.0"
        let device = "/sys/bus/pci/devices/\(address)"
        try folder.chip(
            4, "amdgpu",
            ["temp1_input": "66000", "temp1_label": "edge", "temp2_input": "88000", "temp2_label": "junction", "power1_average": "203000000"],
            at: "\(device)/hwmon")
        try folder.write("\(device)/gpu_busy_percent", "97\n")
        let gpu = SensedDevice(name: "opencl:0", isProcessor: false, title: "gfx1100", pciAddress: address)
        let other = SensedDevice(name: "opencl:1", isProcessor: false, title: "gfx1100")
        let clock = Clock()
        let sensors = SystemSensors(files: folder.files, devices: [gpu, other], nvml: nil, now: clock.now)
        clock.advance(by: .seconds(1))
        #expect(sensors.read(device: "opencl:0") == SensorReading(temperature: 66, power: 203, utilisation: 0.97))
        #expect(sensors.read(device: "opencl:1") == SensorReading())
        let reports = sensors.report()
        #expect(reports.filter { $0.device == "opencl:0" }.map(\.source) == ["amdgpu edge", "amdgpu power1_average", "gpu_busy_percent"])
        #expect(reports.filter { $0.device == "opencl:1" }.allSatisfy { $0.source == nil && $0.reason?.contains("PCI") == true })
    }

    @Test("A machine without any sensor says so, with a command") func none() throws {
        let folder = try KernelFolder()
        let reports = sensors(folder).report()
        #expect(reports.map(\.device) == ["cpu", "cpu", "cpu"])
        #expect(reports.allSatisfy { $0.source == nil && $0.reason != nil })
        #expect(reports[0].remedy == "modprobe coretemp || modprobe k10temp")
    }
}
