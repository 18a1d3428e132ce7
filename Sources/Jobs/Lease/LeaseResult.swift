package import Ledger
package import Wire

/// Times that a worker reports about its own work, in microseconds. Informational: nothing that is paid depends on them.
package struct WorkTiming: Sendable, Equatable {
    /// The kernel alone.
    package let computeMicroseconds: Int64
    /// Fetching and checking the inputs.
    package let inputMicroseconds: Int64
    /// Hashing and sending the outputs.
    package let outputMicroseconds: Int64

    package init(computeMicroseconds: Int64, inputMicroseconds: Int64, outputMicroseconds: Int64) {
        self.computeMicroseconds = computeMicroseconds
        self.inputMicroseconds = inputMicroseconds
        self.outputMicroseconds = outputMicroseconds
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "timing")
        computeMicroseconds = try fields.integer("computeUs")
        inputMicroseconds = try fields.integer("inputUs")
        outputMicroseconds = try fields.integer("outputUs")
        try fields.finish()
    }

    package var json: JSON {
        ["computeUs": .integer(computeMicroseconds), "inputUs": .integer(inputMicroseconds), "outputUs": .integer(outputMicroseconds)]
    }
}

/// A worker's commitment: `POST /leases/{id}/result`. The outputs' bytes are on the coordinator already, under their roots.
package struct LeaseResult: Sendable, Equatable {
    package let fence: Int64
    package let output: OutputMetadata
    package let receipt: SignedReceipt
    package let timing: WorkTiming
    /// The device that did the work, for people.
    package let device: String

    package init(fence: Int64, output: OutputMetadata, receipt: SignedReceipt, timing: WorkTiming, device: String) {
        self.fence = fence
        self.output = output
        self.receipt = receipt
        self.timing = timing
        self.device = device
    }

    /// Reads a result; unknown members are refused at every level.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "lease result")
        fence = try fields.integer("fence", in: 1...JSON.maxInteger)
        output = try OutputMetadata(json: try fields.value("output"))
        receipt = try SignedReceipt(json: try fields.value("receipt"))
        timing = try WorkTiming(json: try fields.value("timing"))
        device = try fields.string("device", maxBytes: 256)
        try fields.finish()
    }

    package var json: JSON {
        ["fence": .integer(fence), "output": output.json, "receipt": receipt.json, "timing": timing.json, "device": .string(device)]
    }
}

/// The answer to an output that passed its check: the claim, complete, ready for the chain.
///
/// A refusal is a problem+json instead, with `verification_failed`, `output_mismatch`, … as its code.
package struct LeaseResultAnswer: Sendable, Equatable {
    package let claim: ReceiptClaim
    package let verification: VerificationRecord

    package init(claim: ReceiptClaim, verification: VerificationRecord) {
        self.claim = claim
        self.verification = verification
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "lease result answer")
        claim = try ReceiptClaim(try fields.value("claim"))
        verification = try VerificationRecord(json: try fields.value("verification"))
    }

    package var json: JSON { ["claim": claim.json, "verification": verification.json] }
}
