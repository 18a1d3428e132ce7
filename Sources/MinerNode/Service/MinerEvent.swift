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
        case serviceUnreachable = "service_unreachable"
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

    /// How loud an event is in the log.
    enum Weight { case normal, warning, error }

    func emit(_ name: MinerEvent.Name, _ facts: [String: JSON] = [:], weight: Weight = .normal) {
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

extension Problem {
    /// Its code and detail as facts of an event.
    var facts: [String: JSON] { ["code": .string(code.rawValue), "detail": .string(detail)] }
}
