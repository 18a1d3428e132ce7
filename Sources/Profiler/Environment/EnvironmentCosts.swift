import Jobs
package import Sensors
import Wire

/// Looks for everything around the program that is known to cost speed, or work that isn't offered.
package struct EnvironmentCosts: Sendable {
    /// Speeds of OpenBLAS's core types, measured side by side when it was opened: names and operations per second.
    package struct CoreTypes: Sendable, Equatable {
        package let used: String
        package let speeds: [String: Double]

        package init(used: String, speeds: [String: Double]) { (self.used, self.speeds) = (used, speeds) }
    }

    let files: KernelFiles
    let environment: [String: String]
    let inventory: Inventory
    let coreTypes: CoreTypes?
    let load: LoadWatch.Outcome

    /// - Parameters:
    ///   - environment: the process's variables.
    ///   - coreTypes: nil without OpenBLAS, or where nothing was compared.
    ///   - load: what went on while rates were measured.
    package init(
        _ files: KernelFiles = KernelFiles(), environment: [String: String], inventory: Inventory, coreTypes: CoreTypes? = nil,
        load: LoadWatch.Outcome = LoadWatch.Outcome()
    ) {
        (self.files, self.environment, self.inventory, self.coreTypes, self.load) = (files, environment, inventory, coreTypes, load)
    }

    /// Everything that was found, the most expensive first; what has no known price comes last.
    package func find() -> [EnvironmentCost] {
        let found = [coreType, threads, threadLimit, groupCores, affinity, groupMemory, clockGovernor, turbo, hugePages, others, stolen, heat].compactMap(
            \.self)
        return found.enumerated().sorted { ($0.element.share ?? 2, $0.offset) < ($1.element.share ?? 2, $1.offset) }.map(\.element)
    }

    private var coreType: EnvironmentCost? {
        guard let wanted = environment["OPENBLAS_CORETYPE"], !wanted.isEmpty else { return nil }
        let best = coreTypes.flatMap { types in types.speeds.first { Self.same($0.key, types.used) } }
        let obeyed = coreTypes.flatMap { types in types.speeds.first { Self.same($0.key, wanted) } }
        if let best, let obeyed, obeyed.value >= best.value * 0.97 { return nil }
        var share: Double?
        var cost = "not measured: OpenBLAS has no such kernels here"
        if let best, let obeyed, best.value > 0 {
            share = obeyed.value / best.value
            let figures = "\(Units.decimal(obeyed.value / 1e9)) instead of \(Units.decimal(best.value / 1e9)) GFLOP/s"
            cost = "programs that obey it run at \(Units.perCent(obeyed.value / best.value)) of the speed of \(best.key) (\(figures), measured)"
        }
        return EnvironmentCost(
            .blasCoreType, found: "OPENBLAS_CORETYPE=\(wanted) is set", cost: "\(cost); Adit chose \(coreTypes?.used ?? "its own kernels") by measuring",
            remedy: "unset OPENBLAS_CORETYPE", share: share)
    }

    private static func same(_ one: String, _ other: String) -> Bool { one.lowercased() == other.lowercased() }

    private var threads: EnvironmentCost? {
        guard let processors = inventory.processor.processors else { return nil }
        let names = ["OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"]
        guard let name = names.first(where: { environment[$0].flatMap { Int($0) }.map { $0 > 0 && $0 < processors } == true }), let value = environment[name]
        else { return nil }
        return EnvironmentCost(
            .blasThreads, found: "\(name)=\(value) is set, on \(processors) processors",
            cost: "programs that obey it use \(value) of \(processors) processors; Adit sets the number of its threads itself (MINER_THREADS)",
            remedy: "unset \(name)")
    }

    /// libgomp obeys this one whatever a program asks for.
    private var threadLimit: EnvironmentCost? {
        guard let processors = inventory.processor.processors, let limit = environment["OMP_THREAD_LIMIT"].flatMap({ Int($0) }), limit > 0, limit < processors
        else { return nil }
        return EnvironmentCost(
            .threadLimit, found: "OMP_THREAD_LIMIT=\(limit) is set, on \(processors) processors",
            cost: "oneDNN computes on at most \(limit) of \(processors) processors", remedy: "unset OMP_THREAD_LIMIT",
            share: Double(limit) / Double(processors))
    }

    private var groupCores: EnvironmentCost? {
        guard let processors = inventory.processor.processors, let cores = inventory.processor.groupCores, cores < processors else { return nil }
        return EnvironmentCost(
            .groupCores, found: "the control group allows \(cores) processors' time of \(processors)",
            cost: "at most \(Units.perCent(Double(cores) / Double(processors))) of the machine's speed",
            remedy: groupRemedy(docker: "docker update --cpus \(processors) CONTAINER", property: "CPUQuota="), share: Double(cores) / Double(processors))
    }

    private var affinity: EnvironmentCost? {
        guard let processors = inventory.processor.processors, let allowed = inventory.processor.allowed, allowed.count < processors else { return nil }
        return EnvironmentCost(
            .affinity, found: "this process may run on processors \(ProcessorList(allowed).text) alone, of \(processors)",
            cost: "at most \(Units.perCent(Double(allowed.count) / Double(processors))) of the machine's speed",
            remedy: inventory.system.container == nil
                ? "taskset -a -p -c 0-\(processors - 1) PID, and no CPUAffinity= or AllowedCPUs= in the unit"
                : "docker update --cpuset-cpus 0-\(processors - 1) CONTAINER",
            share: Double(allowed.count) / Double(processors))
    }

    private var groupMemory: EnvironmentCost? {
        guard let limit = inventory.memory.groupLimitBytes, let total = inventory.memory.totalBytes, limit < total else { return nil }
        func best(_ bytes: Int64) -> String { (TierPolicy.table.first { $0.memoryBytes <= bytes }?.tier ?? .feedback).rawValue }
        let tier = best(limit) == best(total) ? "" : "; with it no tier above \(best(limit)), without it up to \(best(total))"
        return EnvironmentCost(
            .groupMemory, found: "the control group allows \(Units.binary(limit)) of \(Units.binary(total)) memory", cost: "larger jobs are not offered\(tier)",
            remedy: groupRemedy(docker: "docker update --memory SIZE --memory-swap SIZE CONTAINER", property: "MemoryMax="))
    }

    private func groupRemedy(docker: String, property: String) -> String {
        if inventory.system.container != nil { return "\(docker) (on the host)" }
        let group =
            (files.text("/proc/self/cgroup") ?? "").split(separator: "\n").compactMap { $0.split(separator: ":").last }.max { $0.utf8.count < $1.utf8.count }
            ?? "/"
        let unit = group.split(separator: "/").last { $0.hasSuffix(".service") || $0.hasSuffix(".scope") || $0.hasSuffix(".slice") }
        return unit.map { "systemctl set-property \($0) \(property)" } ?? "raise the limit of the control group \(group), where it is made"
    }

    private var others: EnvironmentCost? {
        guard let share = load.othersShare, share > 0.1 else { return nil }
        return EnvironmentCost(
            .otherPrograms, found: "other programs took \(Units.perCent(share)) of the processors while rates were measured",
            cost: "rates, and perhaps the tier, are lower than the machine's own",
            remedy: "ps -eo pcpu,args --sort=-pcpu | head -5, end what isn't needed, and measure again", share: 1 - share)
    }

    private var stolen: EnvironmentCost? {
        guard let share = load.stolenShare, share > 0.02 else { return nil }
        return EnvironmentCost(
            .stolenTime, found: "the hypervisor gave \(Units.perCent(share)) of the processors' time to other machines while rates were measured",
            cost: "rates are that much lower, and vary", remedy: "ask the host's operator for dedicated processors; measure again at another hour",
            share: 1 - share)
    }

    private var heat: EnvironmentCost? {
        guard let count = load.throttles, count > 0 else { return nil }
        return EnvironmentCost(
            .overheated, found: "processors slowed themselves down for heat, \(count) times while rates were measured",
            cost: "rates are lower than the machine's own",
            remedy: "better cooling, or a lower target: adit miner set temperature=…")
    }
}
