import Foundation
import Operations
import Sensors
import TestSupport
import Testing

/// A library with NVML's functions and layouts (nvml.h), compiled here: machines that test have no such GPU.
@Suite("NVIDIA's library, by its ABI") struct NVMLTests {
    private static let compiler = ["/usr/bin/clang", "/usr/bin/cc", "/usr/bin/gcc"].first { FileManager.default.isExecutableFile(atPath: $0) }

    /// Two GPUs of one name on buses 0x1b and 0xc1; 41 and 52 °C; 90 and 300 W; 17 and 250 per cent.
    private static let source = """
        #include <string.h>
        #include <stdio.h>
        typedef struct { int index; unsigned long long energy; } gpu;
        static gpu gpus[2] = {{0, 1000000}, {1, 5000000}};
        int nvmlInit_v2(void) { return STATUS; }
        const char *nvmlErrorString(int status) { return status == 9 ? "Driver Not Loaded" : "Some Error"; }
        int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
        int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) { *device = &gpus[index]; return 0; }
        int nvmlDeviceGetName(gpu *g, char *text, unsigned length) { snprintf(text, length, "NVIDIA Test 80GB"); return 0; }
        struct pci { char legacy[16]; unsigned domain, bus, device, id, subsystem; char text[32]; };
        int nvmlDeviceGetPciInfo_v3(gpu *g, struct pci *p) { memset(p, 1, sizeof *p); p->domain = 0; p->bus = g->index ? 0xc1 : 0x1b; p->device = 0; return 0; }
        int nvmlDeviceGetTemperature(gpu *g, int kind, unsigned *value) { *value = g->index ? 52 : 41; return kind ? 2 : 0; }
        int nvmlDeviceGetPowerUsage(gpu *g, unsigned *value) { *value = g->index ? 300000 : 90000; return 0; }
        int nvmlDeviceGetTotalEnergyConsumption(gpu *g, unsigned long long *value) { if (g->index) return 3; *value = g->energy; g->energy += 500000; return 0; }
        int nvmlDeviceGetUtilizationRates(gpu *g, unsigned *value) { value[0] = g->index ? 250 : 17; value[1] = 99; return 0; }
        """

    private func library(_ folder: KernelFolder, status: Int = 0) throws -> String {
        try folder.write("/nvml.c", Self.source)
        let process = Process()
        process.executableURL = URL(filePath: Self.compiler ?? "cc")
        process.arguments = ["-shared", "-fPIC", "-DSTATUS=\(status)", "-o", folder.path + "/libnvml.so", folder.path + "/nvml.c"]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return folder.path + "/libnvml.so"
    }

    private static let devices = [
        SensedDevice(name: "opencl:0", isProcessor: false, title: "NVIDIA Test 80GB", isNVIDIA: true, pciAddress: "0000:c1:00.0"),
        SensedDevice(name: "opencl:1", isProcessor: false, title: "NVIDIA Test 80GB", isNVIDIA: true),
        SensedDevice(name: "opencl:2", isProcessor: true, title: "pthread"),
    ]

    @Test("Devices are told apart by their bus; power is energy over time", .enabled(if: Self.compiler != nil, "no C compiler on this machine"))
    func readings() throws {
        let folder = try KernelFolder()
        let clock = Clock()
        let sensors = SystemSensors(files: folder.files, devices: Self.devices, nvml: try library(folder), now: clock.now)
        clock.advance(by: .seconds(2))
        #expect(sensors.read(device: "opencl:0") == SensorReading(temperature: 52, power: 300, utilisation: nil), "250 per cent can't be")
        #expect(sensors.read(device: "opencl:1") == SensorReading(temperature: 41, power: 250, utilisation: 0.17), "500 J in 2 s")
        #expect(sensors.report().filter { $0.source == "NVML" }.count == 6)
        #expect(try NVMLLibrary(path: folder.path + "/libnvml.so").devices().map(\.pciAddress) == ["0000:1b:00.0", "0000:c1:00.0"])
    }

    @Test("A driver that isn't loaded, and no library at all, are said in their words", .enabled(if: Self.compiler != nil, "no C compiler on this machine"))
    func missing() throws {
        let folder = try KernelFolder()
        let unloaded = SystemSensors(files: folder.files, devices: Self.devices, nvml: try library(folder, status: 9))
        #expect(unloaded.read(device: "opencl:0") == SensorReading())
        #expect(unloaded.report().first { $0.device == "opencl:0" }?.reason == "NVML: Driver Not Loaded")
        let absent = SystemSensors(files: folder.files, devices: Self.devices, nvml: folder.path + "/none.so").report().first { $0.device == "opencl:0" }
        #expect(absent?.reason?.contains("none.so") == true)
        #expect(absent?.remedy == "apt-get install libnvidia-ml1")
    }

    @Test("Matching: by address first; by name only where an address is missing; each GPU once") func matching() {
        func device(_ name: String, _ address: String?, title: String = "A") -> SensedDevice {
            SensedDevice(name: name, isProcessor: false, title: title, isNVIDIA: true, pciAddress: address)
        }
        let two: [(name: String?, pciAddress: String?)] = [("A", "0000:01:00.0"), ("A", "0000:02:00.0")]
        #expect(SensedDevice.match([device("x", "0000:02:00.0"), device("y", "0000:01:00.0")], two) == ["x": 1, "y": 0])
        #expect(SensedDevice.match([device("x", nil), device("y", "0000:01:00.0")], two) == ["x": 1, "y": 0])
        #expect(SensedDevice.match([device("x", nil), device("y", nil), device("z", nil)], two) == ["x": 0, "y": 1])
        #expect(SensedDevice.match([device("x", "0000:03:00.0")], two).isEmpty, "the name alone doesn't beat another address")
        #expect(SensedDevice.match([device("x", nil, title: "B")], two).isEmpty)
        #expect(SensedDevice.match([device("x", "0000:03:00.0")], [("A", nil)]) == ["x": 0])
        #expect(SensedDevice.match([.processor], two).isEmpty)
    }
}
