package import Signing
package import Wire

/// How an accepted output was checked: kept with the job, shown to its client.
package struct VerificationRecord: Sendable, Equatable {
    /// The class of check, its figures and what it found, as the kernel's verifier reports them.
    package let report: JSON
    /// The 32 bytes drawn after the output was committed; used once, so no secret any more.
    package let challenge: Digest
    /// Time of the check.
    package let checkMicroseconds: Int64
    /// Time of the work as the worker reports it; informational.
    package let computeMicroseconds: Int64
    package let worker: Address
    /// The worker's device as it reports it; informational.
    package let device: String
    /// Leases that the job took.
    package let attempts: Int64

    package init(
        report: JSON, challenge: Digest, checkMicroseconds: Int64, computeMicroseconds: Int64, worker: Address, device: String, attempts: Int64
    ) {
        self.report = report
        self.challenge = challenge
        self.checkMicroseconds = checkMicroseconds
        self.computeMicroseconds = computeMicroseconds
        self.worker = worker
        self.device = device
        self.attempts = attempts
    }

    /// The class's name, such as `exact` or `bits`.
    package var className: String { report["verification"]?["class"]?.stringValue ?? "" }

    /// Time of the check as a share of the work's time; `nil` where the worker reported none.
    package var shareOfCompute: Double? {
        computeMicroseconds > 0 ? Double(checkMicroseconds) / Double(computeMicroseconds) : nil
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "verification record")
        report = try fields.value("report")
        challenge = try fields.digest("challenge")
        checkMicroseconds = try fields.integer("checkUs")
        computeMicroseconds = try fields.integer("computeUs")
        worker = try fields.address("worker")
        device = try fields.string("device", maxBytes: 256)
        attempts = try fields.integer("attempts")
    }

    package var json: JSON {
        [
            "report": report, "challenge": .string(challenge.hex), "checkUs": .integer(checkMicroseconds),
            "computeUs": .integer(computeMicroseconds), "worker": .string(worker.text), "device": .string(device),
            "attempts": .integer(attempts),
        ]
    }
}
