import Signing
package import Ledger
package import Wire

/// The answer to `GET /tasks/{id}/result`: what came out, who answers for it, and how it was checked.
package struct TaskResult: Sendable, Equatable {
    package let taskID: JobID
    /// What was asked for: with the tensors enough to check the output again.
    package let spec: JobSpec
    package let output: OutputMetadata
    /// The receipt with both signatures, as the miner claims it on the chain.
    package let receipt: ReceiptClaim
    package let verification: VerificationRecord
    /// The height of the block with the claim; `nil` until it is there.
    package let claimHeight: Int64?

    package init(
        taskID: JobID, spec: JobSpec, output: OutputMetadata, receipt: ReceiptClaim, verification: VerificationRecord, claimHeight: Int64?
    ) {
        self.taskID = taskID
        self.spec = spec
        self.output = output
        self.receipt = receipt
        self.verification = verification
        self.claimHeight = claimHeight
    }

    /// What a client checks before it believes a result: the output is for this spec, the receipt is for exactly this output, names itself,
    /// and both signatures hold.
    ///
    /// Throws `output_mismatch`, `wrong_receipt_id`, `wrong_miner` or `bad_signature`.
    package func check(on chain: ChainID) throws(Problem) {
        guard output.specHash == spec.hash else { throw Problem(.outputMismatch, "the output is for another spec") }
        guard receipt.terms.jobID == taskID, receipt.terms.outputHash == output.hash else {
            throw Problem(.outputMismatch, "the receipt is not for this output")
        }
        guard receipt.terms.namesItself(on: chain) else { throw Problem(.wrongReceiptID, "the receipt's id does not follow from its fields") }
        guard receipt.minerKey.address == receipt.terms.miner else { throw Problem(.wrongMiner, "the receipt's key is not its miner's") }
        guard receipt.minerSignatureHolds(on: chain), receipt.coordinatorSignatureHolds(on: chain, under: receipt.coordinatorKey) else {
            throw Problem(.badSignature, "the receipt's signatures do not hold")
        }
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "task result")
        taskID = try fields.jobID("taskId")
        spec = try JobSpec(json: try fields.value("spec"))
        output = try OutputMetadata(json: try fields.value("output"))
        receipt = try ReceiptClaim(try fields.value("receipt"))
        verification = try VerificationRecord(json: try fields.value("verification"))
        claimHeight = try fields.optionalInteger("claimHeight")
    }

    package var json: JSON {
        .members([
            ("taskId", .string(taskID.text)),
            ("status", "completed"),
            ("spec", spec.json),
            ("output", output.json),
            ("receipt", receipt.json),
            ("verification", verification.json),
            ("claimHeight", claimHeight.map { .integer($0) }),
        ])
    }
}
