import Logging
import Synchronization
package import Wire

/// Something worth telling: a line in the log, a step on a screen, a thing for a test to wait for.
package struct MinerEvent: Sendable, Equatable {
    /// The names of PROTOCOL section 11, and those of a miner's own steps between them.
    package enum Name: String, Sendable, CaseIterable {
        case profiled, backendRefused = "backend_refused", registered, ready, stopping
        case taskAssigned = "task_assigned", taskCompleted = "task_completed", taskFailed = "task_failed"
        case resultAttested = "result_attested", resultRejected = "result_rejected"
        case claimSent = "claim_sent", receiptConfirmed = "receipt_confirmed"
        case serviceUnreachable = "service_unreachable", outboxFailed = "outbox_failed", diskLow = "disk_low", diskAmple = "disk_ample"
        case challengeAnswered = "challenge_answered", challengeFailed = "challenge_failed"
        case historyNote = "history_note"
        case workPaused = "work_paused", workResumed = "work_resumed", limitsChanged = "limits_changed", limitIgnored = "limit_ignored"
        case configRefused = "config_refused"
        case resourceCritical = "resource_critical", resourceRecovered = "resource_recovered"
        case deviceQuarantined = "device_quarantined", deviceHangs = "device_hangs", deviceTrusted = "device_trusted"
        case deviceThrottled = "device_throttled", deviceUnthrottled = "device_unthrottled"
    }

    package let name: Name
    /// Small facts: ids, amounts in base units, times in milliseconds. No secrets.
    package let facts: [String: JSON]

    package subscript(_ key: String) -> JSON? { facts[key] }
}

/// Where events go: the log, and whoever listens.
struct EventSink: Sendable {
    let logger: Logger
    let listener: @Sendable (MinerEvent) -> Void
    private let starts: JobStarts

    init(logger: Logger, listener: @escaping @Sendable (MinerEvent) -> Void) { self.init(logger, JobStarts(), listener) }

    private init(_ logger: Logger, _ starts: JobStarts, _ listener: @escaping @Sendable (MinerEvent) -> Void) {
        (self.logger, self.starts, self.listener) = (logger, starts, listener)
    }

    /// The same sink, heard by one more.
    func heard(by another: @escaping @Sendable (MinerEvent) -> Void) -> EventSink {
        EventSink(logger, starts) { [listener] event in
            another(event)
            listener(event)
        }
    }

    /// How loud an event is in the log.
    enum Weight { case normal, warning, error }

    func emit(_ name: MinerEvent.Name, _ facts: [String: JSON] = [:], weight: Weight = .normal) {
        var facts = facts
        if let job = facts["job_id"]?.stringValue, facts["latency_ms"] == nil { facts["latency_ms"] = .real(starts.age(of: job).milliseconds) }
        let level: Logger.Level = weight == .normal ? .info : weight == .warning ? .warning : .error
        logger.log(level: level, "\(name.rawValue)", metadata: facts.mapValues(Self.metadata))
        listener(MinerEvent(name: name, facts: facts))
    }

    private static func metadata(_ json: JSON) -> Logger.MetadataValue {
        switch json {
        case .string(let text): .string(text)
        case .integer(let number): .stringConvertible(number)
        case .real(let number): .stringConvertible(number)
        case .bool(let truth): .stringConvertible(truth)
        default: .string(json.canonicalString)
        }
    }
}

/// When this process first told of each of the latest jobs: what `latency_ms` counts from, where an event brings none of its own.
private final class JobStarts: Sendable {
    private static let most = 16_384
    private let starts = Mutex((young: [String: ContinuousClock.Instant](), old: [String: ContinuousClock.Instant]()))

    func age(of job: String) -> Duration {
        let now = ContinuousClock.now
        return starts.withLock { starts in
            if let start = starts.young[job] { return now - start }
            let start = starts.old[job] ?? now
            if starts.young.count >= Self.most / 2 { starts = ([:], starts.young) }
            starts.young[job] = start
            return now - start
        }
    }
}

extension Problem {
    /// Its code and detail as facts of an event.
    var facts: [String: JSON] { ["code": .string(code.rawValue), "detail": .string(detail)] }
}
