import COpenCL

/// Where a device is on the PCI bus, by whichever extension its driver has.
struct PCIPlace: Equatable {
    let domain: UInt32
    let bus: UInt32
    let device: UInt32
    let function: UInt32

    /// As sysfs spells it; nil for numbers that no bus has.
    var text: String? {
        guard bus <= 0xff, device <= 0x1f, function <= 7 else { return nil }
        return "\(Self.hex(domain, 4)):\(Self.hex(bus, 2)):\(Self.hex(device, 2)).\(function)"
    }

    private static func hex(_ value: UInt32, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    init(domain: UInt32, bus: UInt32, device: UInt32, function: UInt32) {
        (self.domain, self.bus, self.device, self.function) = (domain, bus, device, function)
    }

    /// nil where no extension tells.
    ///
    /// Sources: cl_khr_pci_bus_info (0x410F: domain, bus, device, function); cl_nv_device_attribute_query (0x4008 bus, 0x4009 slot, which is
    /// device · 8 + function, 0x400A domain); cl_amd_device_attribute_query (0x4037: type 1, 17 unused bytes, then bus, device, function).
    @unsafe init?(_ library: OpenCLLibrary, _ id: cl_device_id, _ extensions: Set<String>) {
        func bytes(_ parameter: cl_device_info, _ count: Int) -> [UInt8]? {
            var bytes = [UInt8](repeating: 0, count: count)
            var written = 0
            let status = unsafe library.functions.clGetDeviceInfo(id, parameter, count, &bytes, &written)
            return status == CL_SUCCESS && written == count ? bytes : nil
        }
        func word(_ bytes: [UInt8], _ index: Int) -> UInt32 { bytes[4 * index..<4 * index + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) } }
        if extensions.contains("cl_khr_pci_bus_info"), let info = bytes(0x410f, 16) {
            self.init(domain: word(info, 0), bus: word(info, 1), device: word(info, 2), function: word(info, 3))
        } else if extensions.contains("cl_nv_device_attribute_query"), let bus = bytes(0x4008, 4), let slot = bytes(0x4009, 4) {
            // Older drivers have no domain: it is 0 on all but large servers.
            let domain = bytes(0x400a, 4).map { word($0, 0) } ?? 0
            self.init(domain: domain, bus: word(bus, 0), device: word(slot, 0) >> 3, function: word(slot, 0) & 7)
        } else if extensions.contains("cl_amd_device_attribute_query"), let topology = bytes(0x4037, 24), word(topology, 0) == 1 {
            self.init(domain: 0, bus: UInt32(topology[21]), device: UInt32(topology[22]), function: UInt32(topology[23]))
        } else {
            return nil
        }
    }
}
