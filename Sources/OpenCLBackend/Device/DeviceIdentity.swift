import COpenCL
package import Wire

/// What a device is, for people and for the inventory: also of one whose driver only another process has loaded.
package struct DeviceIdentity: Sendable, Equatable {
    package enum Kind: String, Sendable { case gpu, cpu, accelerator }

    package let kind: Kind
    package let name: String
    package let vendor: String
    package let driver: String
    package let platform: String
    /// `OpenCL 1.2 …` and the like.
    package let version: String
    package let memoryBytes: Int
    package let computeUnits: Int
    /// The highest clock, in MHz; nil where the driver says 0.
    package let clockMHz: Int?
    /// `0000:1b:00.0`; nil where the driver has no extension that tells.
    package let pciAddress: String?

    /// For people: "NVIDIA H100 (NVIDIA Corporation, driver 550.54), 80 GB, 132 units".
    package var summary: String {
        "\(name) (\(vendor), driver \(driver)), \((memoryBytes + (1 << 29)) >> 30) GiB, \(computeUnits) units"
    }

    /// - Throws: `backend_unavailable` if the device doesn't answer.
    init(_ query: DeviceQuery, platform: String) throws(Problem) {
        self.platform = platform
        name = try query.text(CL_DEVICE_NAME)
        let type: cl_device_type = try query.value(CL_DEVICE_TYPE)
        kind = type & cl_device_type(CL_DEVICE_TYPE_GPU) != 0 ? .gpu : type & cl_device_type(CL_DEVICE_TYPE_CPU) != 0 ? .cpu : .accelerator
        vendor = try query.text(CL_DEVICE_VENDOR)
        driver = try query.text(CL_DRIVER_VERSION)
        version = try query.text(CL_DEVICE_VERSION)
        memoryBytes = Int(clamping: try query.value(CL_DEVICE_GLOBAL_MEM_SIZE) as cl_ulong)
        computeUnits = Int(try query.value(CL_DEVICE_MAX_COMPUTE_UNITS) as cl_uint)
        let clock = (try? query.value(CL_DEVICE_MAX_CLOCK_FREQUENCY) as cl_uint) ?? 0
        clockMHz = clock > 0 ? Int(clock) : nil
        pciAddress = unsafe PCIPlace(query.library, query.device, query.extensions)?.text
    }

    package var json: JSON {
        .members([
            ("kind", .string(kind.rawValue)), ("name", .string(name)), ("vendor", .string(vendor)), ("driver", .string(driver)),
            ("platform", .string(platform)), ("version", .string(version)), ("memory_bytes", .integer(Int64(memoryBytes))),
            ("compute_units", .integer(Int64(computeUnits))), ("clock_mhz", clockMHz.map { .integer(Int64($0)) }), ("pci_address", pciAddress.map(JSON.string)),
        ])
    }

    /// - Throws: `bad_request` for what `json` doesn't write.
    package init(reading json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "device")
        guard let kind = Kind(rawValue: try fields.string("kind")) else { throw Problem(.badRequest, "device.kind is none") }
        self.kind = kind
        (name, vendor) = (try fields.string("name"), try fields.string("vendor"))
        (driver, platform) = (try fields.string("driver"), try fields.string("platform"))
        version = try fields.string("version")
        (memoryBytes, computeUnits) = (Int(try fields.integer("memory_bytes")), Int(try fields.integer("compute_units")))
        clockMHz = try fields.optionalInteger("clock_mhz").map { Int($0) }
        pciAddress = try fields.optionalString("pci_address")
    }
}
