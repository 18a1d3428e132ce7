/// A device of the miner whose sensors are looked for.
package struct SensedDevice: Sendable, Equatable {
    /// The miner's name for it: `cpu`, `opencl:0`, …
    package let name: String
    /// Whether its sensors are the processor's.
    package let isProcessor: Bool
    /// Its maker's name for it.
    package let title: String
    package let isNVIDIA: Bool
    /// `0000:1b:00.0`; nil if its driver doesn't say.
    package let pciAddress: String?

    package init(name: String, isProcessor: Bool, title: String = "", isNVIDIA: Bool = false, pciAddress: String? = nil) {
        (self.name, self.isProcessor, self.title, self.isNVIDIA, self.pciAddress) = (name, isProcessor, title, isNVIDIA, pciAddress)
    }

    package static let processor = SensedDevice(name: "cpu", isProcessor: true)

    /// Which GPU of a list belongs to which device, by the device's name; each GPU at most once.
    ///
    /// By PCI address where both sides say it: a different address is then never taken for it. Where one side is silent, by the same name, the
    /// first with the first: drivers of one maker list equal cards in one order.
    ///
    /// - Parameter gpus: name and PCI address of each.
    package static func match(_ devices: [SensedDevice], _ gpus: [(name: String?, pciAddress: String?)]) -> [String: Int] {
        var left = Set(gpus.indices)
        var matches: [String: Int] = [:]
        for device in devices where device.isNVIDIA {
            guard let address = device.pciAddress, let index = gpus.firstIndex(where: { $0.pciAddress == address }), left.contains(index) else { continue }
            matches[device.name] = index
            left.remove(index)
        }
        for device in devices where device.isNVIDIA && matches[device.name] == nil {
            let index = gpus.indices.first { index in
                left.contains(index) && gpus[index].name == device.title && (device.pciAddress == nil || gpus[index].pciAddress == nil)
            }
            guard let index else { continue }
            matches[device.name] = index
            left.remove(index)
        }
        return matches
    }
}
