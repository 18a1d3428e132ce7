package import Wire

/// What a job asks of the worker that runs it. Absent members ask for nothing.
package struct Requirements: Sendable, Equatable {
    /// The lowest tier that may run the job.
    package let minTier: Tier?
    /// Per cent of one worker's threads, 1…100.
    package let cpu: Int?
    /// Memory the worker must offer, in MiB, besides what the tensors themselves need.
    package let memoryMB: Int?
    /// A kind of device, such as `cpu` or `opencl`.
    package let device: String?

    package static let none = Requirements()

    package init(minTier: Tier? = nil, cpu: Int? = nil, memoryMB: Int? = nil, device: String? = nil) {
        self.minTier = minTier
        self.cpu = cpu
        self.memoryMB = memoryMB
        self.device = device
    }

    /// Reads `{"minTier"?, "cpu"?, "memoryMB"?, "device"?}`; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "requirements")
        minTier = if let name = try fields.optionalString("minTier", maxBytes: 32) { try Tier(name: name) } else { nil }
        cpu = try fields.optionalInteger("cpu", in: 1...100).map { Int($0) }
        memoryMB = try fields.optionalInteger("memoryMB", in: 1...maxMemoryMB).map { Int($0) }
        if let kind = try fields.optionalString("device", maxBytes: 32) {
            device = try Identifier.check(kind, "requirements.device")
        } else {
            device = nil
        }
        try fields.finish()
    }

    package var json: JSON {
        .members([
            ("minTier", minTier.map { .string($0.rawValue) }),
            ("cpu", cpu.map { .integer(Int64($0)) }),
            ("memoryMB", memoryMB.map { .integer(Int64($0)) }),
            ("device", device.map { .string($0) }),
        ])
    }
}

/// 1 PiB: beyond any worker, and far from an overflow when turned into bytes.
let maxMemoryMB: Int64 = 1 << 30
