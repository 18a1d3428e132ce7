/// One GPU of NVIDIA's management library. Every figure is nil where the library doesn't give it.
///
/// `@unchecked Sendable`: a handle is a constant of its driver, and calls may come from any thread.
@safe package struct NVMLDevice: @unchecked Sendable {
    private let library: NVMLLibrary
    private let handle: NVMLLibrary.Device

    init(library: NVMLLibrary, handle: NVMLLibrary.Device) {
        self.library = library
        unsafe self.handle = unsafe handle
    }

    package var name: String? { unsafe library.text("nvmlDeviceGetName", of: handle) }

    /// `0000:1b:00.0`, as sysfs names it.
    ///
    /// Source: nvmlPciInfo_t of `nvmlDeviceGetPciInfo_v3`: 16 bytes of an old text, then domain, bus and device as 32-bit numbers. Functions of a
    /// GPU other than 0 are its sound and USB.
    package var pciAddress: String? {
        guard let bytes = unsafe library.structure("nvmlDeviceGetPciInfo_v3", of: handle, count: 68) else { return nil }
        let numbers = stride(from: 16, to: 28, by: 4).map { start in bytes[start..<start + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
        return PCIAddress.text(domain: numbers[0], bus: numbers[1], device: numbers[2], function: 0)
    }

    /// °C of the GPU's die (kind 0).
    package var temperature: Double? {
        unsafe library.number("nvmlDeviceGetTemperature", 0, of: handle).flatMap { PlausibleRange.temperature(Double($0)) }
    }

    /// Watts at this moment, by the library's own averaging (up to a second).
    package var power: Double? { unsafe library.number("nvmlDeviceGetPowerUsage", of: handle).flatMap { PlausibleRange.power(Double($0) / 1e3) } }

    /// Energy since the driver was loaded, in millijoules (Volta and later).
    package var millijoules: UInt64? { unsafe library.longNumber("nvmlDeviceGetTotalEnergyConsumption", of: handle) }

    /// Share of the last sample period (a sixth of a second to a second) in which a kernel ran. nvmlUtilization_t: two 32-bit per cents, GPU first.
    package var utilisation: Double? {
        guard let bytes = unsafe library.structure("nvmlDeviceGetUtilizationRates", of: handle, count: 8) else { return nil }
        let perCent = bytes[..<4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return PlausibleRange.share(Double(perCent) / 100)
    }
}

/// A PCI address in sysfs's spelling.
package enum PCIAddress {
    /// nil for numbers that no bus has.
    package static func text(domain: UInt32, bus: UInt32, device: UInt32, function: UInt32) -> String? {
        guard bus <= 0xff, device <= 0x1f, function <= 7 else { return nil }
        return "\(hex(domain, 4)):\(hex(bus, 2)):\(hex(device, 2)).\(function)"
    }

    private static func hex(_ value: UInt32, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
