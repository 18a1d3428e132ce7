package import Ledger
package import Wire

/// A proof and the block whose state it is about, as the node tells them: nothing is checked yet.
package struct ProofAnswer: Sendable {
    package let height: Int64
    package let hash: Digest
    package let proof: StateProof
}

extension NodeClient {
    /// Presence or absence of a record after the node's head; `LightClient` checks it.
    package func proof(of key: RecordKey) async throws(Problem) -> ProofAnswer {
        let answer = try await api.json(.get, "/rpc/proof/\(key.kind.rawValue)/\(key.id)")
        return try Problem.reading("proof") { () throws(Problem) in
            var fields = try JSONFields(answer, "proof")
            var header = try JSONFields(fields.value("header"), "header")
            let proof = try StateProof(fields.value("proof"))
            guard proof.key == key else { throw Problem(.badAnswer, "a proof of something else") }
            return ProofAnswer(height: try header.integer("height"), hash: try header.digest("hash"), proof: proof)
        }
    }

    /// Whether a claim would settle now; on devnets alone.
    package func attest(_ claim: ReceiptClaim) async throws(Problem) -> Problem? {
        let answer = try await api.json(.post, "/rpc/attest", claim.json)
        return try Problem.reading("attest") { () throws(Problem) in
            var fields = try JSONFields(answer, "answer")
            if try fields.bool("valid") { return nil }
            return try fields.brief()
        }
    }

    /// Changes a parameter, on nodes where a token and the admin's key are configured; gives the transaction's hash.
    package func setParameter(_ update: ParameterUpdate, adminToken: String) async throws(Problem) -> Digest {
        let answer = try await api.json(.post, "/admin/paramSet", update.json, headers: [("Authorization", "Bearer \(adminToken)")])
        return try Problem.reading("paramSet") { () throws(Problem) in
            var fields = try JSONFields(answer, "answer")
            return try fields.digest("txHash")
        }
    }
}
