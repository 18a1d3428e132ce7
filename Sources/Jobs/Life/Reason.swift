package import Wire

/// Why a job, or one attempt at it, did not succeed. A closed list: people and programs act on it.
package enum Reason: String, CaseIterable, Sendable {
    // Given by a worker that gives its lease back.
    case outOfMemory = "out_of_memory"
    case inputUnavailable = "input_unavailable"
    case inputMismatch = "input_mismatch"
    case unsupportedKernel = "unsupported_kernel"
    case deviceFailed = "device_failed"
    case overheated
    /// Also of a job whose client could have its money back before another lease would end.
    case notEnoughTime = "not_enough_time"
    case shuttingDown = "shutting_down"
    case workerFault = "worker_fault"
    /// The work has no answer: a singular system, a training that diverges. Also of a job that two workers said it of.
    case uncomputable

    // Given by the coordinator.
    case verificationFailed = "verification_failed"
    case leaseExpired = "lease_expired"
    case attemptsExhausted = "attempts_exhausted"
    case quoteExpired = "quote_expired"
    case canceled
    case checkUnavailable = "check_unavailable"

    /// Whether a worker may give this reason when it gives a lease back.
    package var isWorkers: Bool {
        switch self {
        case .outOfMemory, .inputUnavailable, .inputMismatch, .unsupportedKernel, .deviceFailed, .overheated, .notEnoughTime,
            .shuttingDown, .workerFault, .uncomputable:
            true
        case .verificationFailed, .leaseExpired, .attemptsExhausted, .quoteExpired, .canceled, .checkUnavailable: false
        }
    }

    /// Whether a lease that ended so was the worker's to keep: one that fell silent or failed, not one that stops or can't run the kernel.
    package var isLapse: Bool {
        switch self {
        case .outOfMemory, .inputUnavailable, .inputMismatch, .deviceFailed, .workerFault, .leaseExpired: true
        default: false
        }
    }

    /// Reads a reason's name; `out_of_range` for any other word.
    package init(name: String) throws(Problem) {
        guard let reason = Reason(rawValue: name) else { throw Problem(.outOfRange, "not one of the known reasons") }
        self = reason
    }
}
