import Jobs
package import Wire

/// The machine that a benchmark ran on, as far as a reader of it has to know. Nothing that names its owner.
package struct BenchMachine: Sendable, Equatable {
    package let cpu: String
    package let cores: Int
    package let isa: [String]
    /// Memory that jobs may use; nil where unknown.
    package let memoryBytes: Int64?
    /// Each device in its own words.
    package let devices: [String]
    /// The core type that OpenBLAS runs with.
    package let blasCore: String?

    package init(cpu: String, cores: Int, isa: [String], memoryBytes: Int64?, devices: [String], blasCore: String?) {
        (self.cpu, self.cores, self.isa, self.memoryBytes, self.devices, self.blasCore) = (cpu, cores, isa, memoryBytes, devices, blasCore)
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "machine")
        cpu = try fields.string("cpu", maxBytes: 256)
        cores = Int(try fields.integer("cores", in: 1...65_536))
        isa = try Self.texts(try fields.array("isa", maxCount: 64), maxBytes: 64)
        memoryBytes = try fields.optionalInteger("memoryBytes")
        devices = try Self.texts(try fields.array("devices", maxCount: 64), maxBytes: 512)
        blasCore = try fields.optionalString("blasCore", maxBytes: 64)
        try fields.finish()
    }

    private static func texts(_ items: [JSON], maxBytes: Int) throws(Problem) -> [String] {
        try JSON.map(items) { (item) throws(Problem) in
            guard let text = item.stringValue, text.utf8.count <= maxBytes else { throw Problem(.wrongType, "a name is a string of at most \(maxBytes) bytes") }
            return text
        }
    }

    package var json: JSON {
        .members([
            ("cpu", .string(cpu)), ("cores", .integer(Int64(cores))), ("isa", .array(isa.map { .string($0) })),
            ("memoryBytes", memoryBytes.map { .integer($0) }), ("devices", .array(devices.map { .string($0) })), ("blasCore", blasCore.map { .string($0) }),
        ])
    }
}
