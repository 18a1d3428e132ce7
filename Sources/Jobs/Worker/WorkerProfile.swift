package import Wire

/// One device of a worker: `cpu`, `opencl`, …, its maker's name for it and its own memory.
package struct WorkerDevice: Sendable, Equatable {
    package let kind: String
    package let name: String
    package let memoryBytes: Int64

    package init(kind: String, name: String, memoryBytes: Int64) {
        self.kind = kind
        self.name = name
        self.memoryBytes = memoryBytes
    }

    init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "device")
        kind = try Identifier.check(try fields.string("kind", maxBytes: Identifier.maxBytes), "device.kind")
        name = try fields.string("name", maxBytes: 256)
        memoryBytes = try fields.integer("memoryBytes")
        try fields.finish()
    }

    var json: JSON { .members([("kind", .string(kind)), ("name", .string(name)), ("memoryBytes", .integer(memoryBytes))]) }
}

/// What a worker is and what was measured on it. Speeds decide about scheduling alone, never about money.
package struct WorkerProfile: Sendable, Equatable {
    /// The CPU's own name for itself.
    package let cpuModel: String
    /// Threads that may be used, ≥ 1.
    package let cores: Int
    /// Instruction sets that the kernels may use, such as `avx2`, `fma`, `avx512f`.
    package let isa: [String]
    /// Memory that jobs may use, in bytes.
    package let memoryBytes: Int64
    /// Devices, the CPU first.
    package let devices: [WorkerDevice]
    /// F32 multiply and add operations per second, measured by the worker's best GEMM on all threads.
    package let f32FlopsPerSecond: Int64
    /// Memory traffic in bytes per second, measured on all threads.
    package let memoryBytesPerSecond: Int64
    /// The core type that OpenBLAS runs with; `nil` without OpenBLAS.
    package let blasCore: String?
    package let softwareVersion: String

    package init(
        cpuModel: String, cores: Int, isa: [String], memoryBytes: Int64, devices: [WorkerDevice], f32FlopsPerSecond: Int64,
        memoryBytesPerSecond: Int64, blasCore: String?, softwareVersion: String
    ) {
        self.cpuModel = cpuModel
        self.cores = cores
        self.isa = isa
        self.memoryBytes = memoryBytes
        self.devices = devices
        self.f32FlopsPerSecond = f32FlopsPerSecond
        self.memoryBytesPerSecond = memoryBytesPerSecond
        self.blasCore = blasCore
        self.softwareVersion = softwareVersion
    }

    /// Speed in GFLOP/s, for people.
    package var f32Gigaflops: Double { Double(f32FlopsPerSecond) / 1e9 }

    /// Memory bandwidth in GB/s, for people.
    package var memoryGigabytesPerSecond: Double { Double(memoryBytesPerSecond) / 1e9 }

    /// Reads a profile; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "profile")
        cpuModel = try fields.string("cpuModel", maxBytes: 256)
        cores = Int(try fields.integer("cores", in: 1...65_536))
        isa = try JSON.map(try fields.array("isa", maxCount: 64)) { (item) throws(Problem) in
            guard case .string(let name) = item else { throw Problem(.wrongType, "profile.isa holds strings") }
            return try Identifier.check(name, "profile.isa")
        }
        memoryBytes = try fields.integer("memoryBytes", in: 1...JSON.maxInteger)
        devices = try JSON.map(try fields.array("devices", maxCount: 64)) { (item) throws(Problem) in try WorkerDevice(json: item) }
        f32FlopsPerSecond = try fields.integer("f32FlopsPerSecond")
        memoryBytesPerSecond = try fields.integer("memoryBytesPerSecond")
        blasCore = try fields.optionalString("blasCore", maxBytes: 64)
        softwareVersion = try Identifier.check(try fields.string("softwareVersion", maxBytes: 64), "profile.softwareVersion")
        try fields.finish()
    }

    package var json: JSON {
        .members([
            ("cpuModel", .string(cpuModel)),
            ("cores", .integer(Int64(cores))),
            ("isa", .array(isa.map { .string($0) })),
            ("memoryBytes", .integer(memoryBytes)),
            ("devices", .array(devices.map(\.json))),
            ("f32FlopsPerSecond", .integer(f32FlopsPerSecond)),
            ("memoryBytesPerSecond", .integer(memoryBytesPerSecond)),
            ("blasCore", blasCore.map { .string($0) }),
            ("softwareVersion", .string(softwareVersion)),
        ])
    }
}
