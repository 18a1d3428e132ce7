package import Jobs
package import Kernels
package import Wire

/// Finds out what this machine is and what it can do, in a few seconds.
package struct Profiler: Sendable {
    /// What is being measured, and the share of it that is done, for people to watch.
    package struct Progress: Sendable, Equatable {
        package let step: String
        package let share: Double
    }

    /// What came out. The profile is what the coordinator gets; it can't hold "unknown", so unknown speeds are 0 there.
    package struct Outcome: Sendable, Equatable {
        package let machine: Machine
        /// The backend with the best GEMM; nil if none offers reproducible F32.
        package let bestBackend: String?
        package let f32FlopsPerSecond: Double?
        package let memoryBytesPerSecond: Double?
        package let tier: Tier
        package let profile: WorkerProfile

        package init(
            machine: Machine, bestBackend: String?, f32FlopsPerSecond: Double?, memoryBytesPerSecond: Double?, tier: Tier, profile: WorkerProfile
        ) {
            (self.machine, self.bestBackend, self.tier, self.profile) = (machine, bestBackend, tier, profile)
            (self.f32FlopsPerSecond, self.memoryBytesPerSecond) = (f32FlopsPerSecond, memoryBytesPerSecond)
        }
    }

    private let backends: [any ComputeBackend]
    private let memoryCap: Int64?
    private let softwareVersion: String
    private let blasCore: String?
    private let gemmBudget: Duration
    private let bandwidthBudget: Duration

    /// - Parameters:
    ///   - backends: those that jobs may run on; the GEMM budget is shared among them.
    ///   - memoryCap: the most that jobs may use, in bytes, where the operator sets less than the machine has.
    ///   - blasCore: the core type that OpenBLAS runs with, if it is one of the backends.
    package init(
        backends: [any ComputeBackend], memoryCap: Int64? = nil, softwareVersion: String, blasCore: String? = nil, gemmBudget: Duration = .milliseconds(2_000),
        bandwidthBudget: Duration = .milliseconds(700)
    ) {
        (self.backends, self.memoryCap, self.softwareVersion, self.blasCore) = (backends, memoryCap, softwareVersion, blasCore)
        (self.gemmBudget, self.bandwidthBudget) = (gemmBudget, bandwidthBudget)
    }

    /// Measures on a thread of its own.
    ///
    /// - Throws: `backend_unavailable` if a backend fails, `memory_limit` where not even a small product fits.
    package func run(progress: @escaping @Sendable (Progress) -> Void = { _ in }) async throws(Problem) -> Outcome {
        try await OwnThread.run("adit-profile") { () throws(Problem) in try measure(progress) }
    }

    private func measure(_ progress: @Sendable (Progress) -> Void) throws(Problem) -> Outcome {
        let machine = Machine.current()
        let memory = [machine.memory.usableBytes, memoryCap].compactMap(\.self).min()
        // A measurement may take a quarter of what is there, of an unknown amount 256 MiB.
        let limit = memory.map { Int(clamping: $0 / 4) } ?? 256 << 20

        var best: (name: String, speed: Double)?
        for (index, backend) in backends.enumerated() {
            let speed = try GemmMeter.measure(backend, budget: gemmBudget / backends.count, limit: limit) { share in
                progress(Progress(step: "F32 GEMM on \(backend.name)", share: (Double(index) + share) / Double(backends.count)))
            }
            if let speed, speed > best?.speed ?? 0 { best = (backend.name, speed) }
        }
        progress(Progress(step: "memory bandwidth", share: 0))
        let bandwidth = BandwidthMeter.measure(threads: machine.cores, cacheBytes: machine.lastLevelCacheBytes, budget: bandwidthBudget, limit: limit)
        progress(Progress(step: "memory bandwidth", share: 1))

        return Outcome(
            machine: machine, bestBackend: best?.name, f32FlopsPerSecond: best?.speed, memoryBytesPerSecond: bandwidth,
            tier: TierPolicy.tier(f32FlopsPerSecond: best?.speed, memoryBytesPerSecond: bandwidth, memoryBytes: memory),
            profile: WorkerProfile(
                cpuModel: machine.cpu.model ?? "unknown", cores: machine.cores, isa: machine.cpu.isa, memoryBytes: max(1, memory ?? 1),
                devices: [WorkerDevice(kind: "cpu", name: machine.cpu.model ?? "unknown", memoryBytes: max(1, memory ?? 1))] + accelerators,
                f32FlopsPerSecond: whole(best?.speed), memoryBytesPerSecond: whole(bandwidth), blasCore: blasCore, softwareVersion: softwareVersion))
    }

    /// The devices beside the CPU; a name is cut to what a profile holds.
    private var accelerators: [WorkerDevice] {
        backends.compactMap(\.accelerator).map { device in
            WorkerDevice(kind: device.kind, name: String(decoding: device.name.utf8.prefix(250), as: UTF8.self), memoryBytes: Int64(max(1, device.memoryBytes)))
        }
    }

    private func whole(_ speed: Double?) -> Int64 { speed.flatMap { Int64(exactly: min($0, 1e15).rounded()) } ?? 0 }
}
