package import Ledger
import Signing
package import Wire

/// What a coordinator says of a receipt.
package struct ReceiptAttestation: Sendable, Equatable {
    /// It knows the job and this result of it.
    package let exists: Bool
    /// The job's escrow is there.
    package let isPaid: Bool
    /// No other result of it was attested.
    package let isFirst: Bool

    init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "attestation")
        exists = try fields.bool("exists")
        isPaid = try fields.bool("paid")
        isFirst = try fields.bool("not_double_spent")
    }
}

extension CoordinatorClient {
    /// Asks whether the coordinator stands by a receipt, for at most two seconds.
    package func attestation(of terms: ReceiptTerms) async throws(Problem) -> ReceiptAttestation {
        let body: JSON = [
            "job_id": .string(terms.jobID.text), "client": .string(terms.client.text), "miner": .string(terms.miner.text),
            "price": .integer(terms.price), "compute_units": .integer(terms.computeUnits), "output_hash": .string(terms.outputHash.text),
        ]
        let limits = HTTPLimits(connect: .seconds(2), total: .seconds(2), answerBytes: 65_536)
        let answer = try await json(.post, "/attest/receipt", body, limits: limits)
        return try Problem.reading("attestation") { () throws(Problem) in try ReceiptAttestation(json: answer) }
    }
}
