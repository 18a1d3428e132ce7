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
        /// Everything that was measured; nil where a profile was given and not measured.
        package let rates: RateTable?

        package init(
            machine: Machine, bestBackend: String?, f32FlopsPerSecond: Double?, memoryBytesPerSecond: Double?, tier: Tier, profile: WorkerProfile,
            rates: RateTable? = nil
        ) {
            (self.machine, self.bestBackend, self.tier, self.profile, self.rates) = (machine, bestBackend, tier, profile, rates)
            (self.f32FlopsPerSecond, self.memoryBytesPerSecond) = (f32FlopsPerSecond, memoryBytesPerSecond)
        }

        /// The tier with its reasons. A profile says 1 where memory isn't known.
        package var verdict: TierVerdict {
            TierVerdict(
                f32FlopsPerSecond: f32FlopsPerSecond, memoryBytesPerSecond: memoryBytesPerSecond,
                memoryBytes: profile.memoryBytes > 1 ? profile.memoryBytes : nil)
        }
    }

    private let backends: [any ComputeBackend]
    private let members: [any ComputeBackend]
    private let threads: Int?
    private let memoryCap: Int64?
    private let softwareVersion: String
    private let blasCore: String?
    private let plan: RatePlan

    /// - Parameters:
    ///   - backends: those that jobs may run on.
    ///   - members: the libraries that share the CPU as one of them; a full plan measures each by itself, too.
    ///   - threads: those that the CPU's backends were opened with; nil for all cores.
    ///   - memoryCap: the most that jobs may use, in bytes, where the operator sets less than the machine has.
    ///   - blasCore: the core type that OpenBLAS runs with, if it is one of the backends.
    ///   - plan: how much is measured, and how long it may take.
    package init(
        backends: [any ComputeBackend], members: [any ComputeBackend] = [], threads: Int? = nil, memoryCap: Int64? = nil, softwareVersion: String,
        blasCore: String? = nil, plan: RatePlan = .quick
    ) {
        (self.backends, self.members, self.threads, self.memoryCap) = (backends, members, threads, memoryCap)
        (self.softwareVersion, self.blasCore, self.plan) = (softwareVersion, blasCore, plan)
    }

    /// Measures on a thread of its own, which stops soon after the waiting task is canceled.
    ///
    /// - Throws: `backend_unavailable` if a device fails; `canceled`.
    package func run(progress: @escaping @Sendable (Progress) -> Void = { _ in }) async throws(Problem) -> Outcome {
        try await OwnThread.run("adit-profile") { (control) throws(Problem) in try measure(control, progress) }
    }

    private func measure(_ control: RunControl, _ progress: @Sendable (Progress) -> Void) throws(Problem) -> Outcome {
        let machine = Machine.current()
        let memory = [machine.memory.usableBytes, memoryCap].compactMap(\.self).min()
        // A measurement may take a quarter of what is there, of an unknown amount 256 MiB.
        let limit = memory.map { Int(clamping: $0 / 4) } ?? 256 << 20
        let survey = RateSurvey(plan, RateSurvey.Devices(backends: backends, members: members), machine: machine, threads: threads, limit: limit)
        let rates = try survey.run(control: control, progress: progress)

        // What jobs get is what a device as a whole does, not one of its libraries.
        let devices = Set(backends.map(\.name))
        let best = rates.rows.filter { $0.kind == .gemm && $0.arithmetic == .f32Panel256 && devices.contains($0.backend) }.max { $0.perSecond < $1.perSecond }
        let speed = best.map { Double($0.perSecond) }
        let bandwidth = rates.rows.first { $0.kind == .memoryCopy && $0.backend == "cpu" }.map { Double($0.perSecond) }
        return Outcome(
            machine: machine, bestBackend: best?.backend, f32FlopsPerSecond: speed, memoryBytesPerSecond: bandwidth,
            tier: TierPolicy.tier(f32FlopsPerSecond: speed, memoryBytesPerSecond: bandwidth, memoryBytes: memory),
            profile: WorkerProfile(
                cpuModel: machine.cpu.model ?? "unknown", cores: machine.cores, isa: machine.cpu.isa, memoryBytes: max(1, memory ?? 1),
                devices: [WorkerDevice(kind: "cpu", name: machine.cpu.model ?? "unknown", memoryBytes: max(1, memory ?? 1))] + accelerators,
                f32FlopsPerSecond: whole(speed), memoryBytesPerSecond: whole(bandwidth), blasCore: blasCore, softwareVersion: softwareVersion),
            rates: rates)
    }

    /// The devices beside the CPU.
    private var accelerators: [WorkerDevice] { backends.compactMap(\.accelerator).map(WorkerDevice.init) }

    private func whole(_ speed: Double?) -> Int64 { speed.flatMap { Int64(exactly: min($0, 1e15).rounded()) } ?? 0 }
}

extension WorkerDevice {
    /// A device beside the CPU as a profile has it: a name is cut to what a profile holds.
    package init(_ device: Accelerator) {
        self.init(kind: device.kind, name: String(decoding: device.name.utf8.prefix(250), as: UTF8.self), memoryBytes: Int64(max(1, device.memoryBytes)))
    }
}
