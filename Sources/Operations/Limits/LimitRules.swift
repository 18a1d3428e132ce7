package import Wire

/// What a machine has, as far as it is known: what limits are held against. nil: unknown, and nothing is said about it.
package struct MachineBounds: Sendable, Equatable {
    /// Numbers of the logical processors that this process may use.
    package var processors: Set<Int>?
    /// Memory that this process may use, in bytes.
    package var memoryBytes: Int64?
    /// Size of the largest output that the coordinator lets a job have, in bytes.
    package var largestOutput: Int64?

    package init(processors: Set<Int>? = nil, memoryBytes: Int64? = nil, largestOutput: Int64? = nil) {
        (self.processors, self.memoryBytes, self.largestOutput) = (processors, memoryBytes, largestOutput)
    }
}

extension OperatorLimits {
    /// Settings that exclude each other, or that this machine can't keep: each with both names and what to change. Empty: all is well.
    package func contradictions(on machine: MachineBounds = MachineBounds()) -> [Problem] {
        var found: [String] = []
        if let target = targets.temperature, let hard = targets.hardTemperature, hard < target + GovernorTargets.leastMargin {
            found.append(
                "temperature_max (\(text(.temperatureMax))) has to be at least \(Int(GovernorTargets.leastMargin)) above temperature (\(text(.temperature))): "
                    + "the governor may pass its target by 2 °C. Raise temperature_max or lower temperature")
        }
        if let cores, let threads, threads > cores.count {
            found.append("threads (\(threads)) is more than cores (\(text(.cores))) has processors: \(cores.count). Lower threads or give more cores")
        }
        if let disk = diskBytes, let output = machine.largestOutput, disk < output {
            found.append(
                "disk_mb (\(disk >> 20)) is less than the coordinator's largest output (\((output + (1 << 20) - 1) >> 20) MiB): while one waits, "
                    + "nothing new is taken. Raise disk_mb to \((output + (1 << 20) - 1) >> 20)")
        }
        found += emptiness
        if let processors = machine.processors { found += beyond(processors) }
        if let memory = memoryBytes, let all = machine.memoryBytes, memory > all {
            found.append("memory_mb (\(memory >> 20)) is more than this process may use: \(all >> 20). Lower memory_mb, or raise the container's limit")
        }
        return found.map { Problem(.outOfRange, $0) }
    }

    /// Limits that leave nothing to do.
    private var emptiness: [String] {
        var found: [String] = []
        if kernels?.isEmpty == true { found.append("kernels names none, so that no job fits. Name some, or set kernels=off") }
        if dtypes?.isEmpty == true { found.append("dtypes names none, so that no job fits. Name some, or set dtypes=off") }
        if schedule?.open.isEmpty == true { found.append("schedule has no hour at which work may run. Give hours, or set schedule=off") }
        if cores?.isEmpty == true { found.append("cores names none, so that nothing can run. Name some, or set cores=off") }
        return found
    }

    private func beyond(_ processors: Set<Int>) -> [String] {
        var found: [String] = []
        if let cores, !cores.isSubset(of: processors) {
            let (strangers, own) = (ProcessorList(cores.subtracting(processors)).text, ProcessorList(processors).text)
            found.append("cores (\(text(.cores))) names processors that this process may not use: \(strangers). It may use \(own)")
        } else if cores == nil, let threads, threads > processors.count {
            found.append("threads (\(threads)) is more than the \(processors.count) processors that this process may use. Lower threads")
        }
        return found
    }
}
