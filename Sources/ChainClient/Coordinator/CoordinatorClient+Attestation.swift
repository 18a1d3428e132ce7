import Jobs
package import Ledger
package import Wire

extension CoordinatorClient {
    /// Asks whether the coordinator stands by a receipt.
    ///
    /// - Parameter patience: how long an answer may take.
    /// - Returns: why it says no; nil where it does not.
    package func objection(to terms: ReceiptTerms, patience: Duration = .seconds(2)) async throws(Problem) -> Problem? {
        let question = ReceiptQuestion(
            jobID: terms.jobID, client: terms.client, miner: terms.miner, price: terms.price, computeUnits: terms.computeUnits,
            outputHash: terms.outputHash)
        let limits = HTTPLimits(connect: patience, total: patience, answerBytes: 65_536)
        let json = try await json(.post, "/attest/receipt", question.json, limits: limits)
        let answer = try Problem.reading("attestation") { () throws(Problem) in try ReceiptAnswer(json: json) }
        if !answer.exists { return Problem(.attestationRefused, "the claim's coordinator knows of no such result") }
        if !answer.paid { return Problem(.attestationRefused, "the claim's coordinator says that the job is not paid") }
        if !answer.notDoubleSpent { return Problem(.attestationRefused, "the claim's coordinator has attested another result, or refunds the job") }
        return nil
    }
}
