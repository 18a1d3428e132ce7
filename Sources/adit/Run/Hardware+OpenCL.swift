import OpenCLBackend
import Profiler
import Wire

extension Hardware {
    /// The same with OpenCL's devices, each tested; those left out are among the notes. The first start on a device takes a minute or two.
    ///
    /// - Parameter options: nil: none.
    func adding(_ options: OpenCLOptions?) async throws(Problem) -> Hardware {
        guard let options else { return self }
        let opened = try await OwnThread.run("adit-opencl") { () throws(Problem) in OpenCLBackend.open(options) }
        var hardware = self
        hardware.backends += opened.backends
        hardware.notes += opened.notes
        let used = Set(opened.backends.map(\.name))
        hardware.accelerators = opened.devices.map { Self.described($0.name, $0.identity, isUsed: used.contains($0.name)) }
        return hardware
    }

    private static func described(_ name: String, _ device: DeviceIdentity, isUsed: Bool) -> AcceleratorInventory.Described {
        AcceleratorInventory.Described(
            name: name, kind: device.kind.rawValue, title: device.name, vendor: device.vendor, driver: device.driver, platform: device.platform,
            version: device.version, memoryBytes: device.memoryBytes, computeUnits: device.computeUnits, clockMHz: device.clockMHz,
            pciAddress: device.pciAddress, isUsed: isUsed)
    }
}
