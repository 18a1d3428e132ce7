package import Logging
import Wire

extension Logger {
    /// One event of PROTOCOL section 11, with the members that every such line has: where it belongs and how long it took.
    ///
    /// - Parameters:
    ///   - name: `snake_case`; listed in docs/PROTOCOL.md.
    ///   - height: the block it happened in or saw.
    ///   - job: the job's id.
    ///   - latency: for `task_…` and `receipt_…` since the task was taken, for `lease_…` since the lease was given, for others the step's own.
    package func event(
        _ name: String, level: Logger.Level = .info, height: Int64? = nil, job: String? = nil, latency: Duration? = nil, _ more: Logger.Metadata = [:]
    ) {
        guard logLevel <= level else { return }
        var members = more
        if let height { members["height"] = .stringConvertible(height) }
        if let job { members["job_id"] = .string(job) }
        if let latency { members["latency_ms"] = .stringConvertible(latency.milliseconds) }
        log(level: level, "\(name)", metadata: members)
    }
}
