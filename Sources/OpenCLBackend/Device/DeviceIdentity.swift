package import Wire

/// What a device is, for people and for the inventory: also for one whose driver only another process has loaded.
package struct DeviceIdentity: Sendable, Equatable {
    package let kind: DeviceDescription.Kind
    package let name: String
    package let vendor: String
    package let driver: String
    package let platform: String
    /// `OpenCL 1.2 …` and the like.
    package let version: String
    package let memoryBytes: Int
    package let computeUnits: Int
    /// The highest clock; nil where the driver says 0.
    package let clockMHz: Int?
    /// `0000:1b:00.0`; nil where the driver has no extension that tells.
    package let pciAddress: String?

    init(_ device: DeviceDescription) {
        (kind, name, vendor, driver) = (device.kind, device.name, device.vendor, device.driver)
        (platform, version, memoryBytes, computeUnits) = (device.platform, device.version, device.memoryBytes, device.computeUnits)
        (clockMHz, pciAddress) = (device.clockMHz, device.pciAddress)
    }

    package var json: JSON {
        let optional = [("clock_mhz", clockMHz.map { JSON.integer(Int64($0)) }), ("pci_address", pciAddress.map { JSON.string($0) })]
        return .object(
            JSONObject(
                distinct: [
                    ("kind", .string(kind.rawValue)), ("name", .string(name)), ("vendor", .string(vendor)), ("driver", .string(driver)),
                    ("platform", .string(platform)), ("version", .string(version)), ("memory_bytes", .integer(Int64(memoryBytes))),
                    ("compute_units", .integer(Int64(computeUnits))),
                ] + optional.compactMap { name, value in value.map { (name, $0) } }))
    }

    /// - Throws: `bad_request` for what `json` doesn't write.
    package init(reading json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "device")
        guard let kind = DeviceDescription.Kind(rawValue: try fields.string("kind")) else { throw Problem(.badRequest, "device.kind is none") }
        self.kind = kind
        (name, vendor) = (try fields.string("name"), try fields.string("vendor"))
        (driver, platform) = (try fields.string("driver"), try fields.string("platform"))
        version = try fields.string("version")
        (memoryBytes, computeUnits) = (Int(try fields.integer("memory_bytes")), Int(try fields.integer("compute_units")))
        clockMHz = try fields.optionalInteger("clock_mhz").map { Int($0) }
        pciAddress = try fields.optionalString("pci_address")
    }
}
