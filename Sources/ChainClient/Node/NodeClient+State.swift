package import Ledger
package import Signing
package import Wire

/// A page of escrows that still hold money.
package struct EscrowPage: Sendable {
    /// In the order of job ids.
    package let escrows: [EscrowRecord]
    /// What the next page comes after; nil at the end.
    package let next: JobID?
}

/// A proof and the block whose state it is about, as the node tells them: nothing is checked yet.
package struct ProofAnswer: Sendable {
    package let height: Int64
    package let hash: Digest
    package let proof: StateProof
}

extension NodeClient {
    /// A page of a coordinator's escrows that still hold money: what it rebuilds its queue from.
    ///
    /// - Parameters:
    ///   - status: open or closing; nil for both.
    ///   - after: the `next` of the page before.
    ///   - limit: 1 … 256.
    package func openEscrows(
        of coordinator: PublicKey, status: Escrow.Status? = nil, after: JobID? = nil, limit: Int = 256
    ) async throws(Problem) -> EscrowPage {
        var query = "?coordinator=\(coordinator.hex)&limit=\(limit)"
        if let status { query += "&status=\(status.rawValue)" }
        if let after { query += "&after=\(after.text)" }
        let answer = try await api.json(.get, "/rpc/escrows", query: query)
        return try Problem.reading("escrows") { () throws(Problem) in
            var fields = try JSONFields(answer, "escrows")
            var escrows: [EscrowRecord] = []
            for item in try fields.array("escrows", maxCount: limit) { escrows.append(try EscrowRecord(json: item)) }
            let next = try fields.optionalString("next", maxBytes: 64)
            return EscrowPage(escrows: escrows, next: try next.map { (text) throws(Problem) in try JobID(text) })
        }
    }

    /// All of them, page by page. One that opens meanwhile may be missed, one that closes may still be there.
    package func allOpenEscrows(of coordinator: PublicKey, status: Escrow.Status? = nil) async throws(Problem) -> [EscrowRecord] {
        var escrows: [EscrowRecord] = []
        var after: JobID?
        while true {
            let page = try await openEscrows(of: coordinator, status: status, after: after)
            escrows += page.escrows
            guard let next = page.next else { return escrows }
            if let after, next <= after { throw Problem(.badAnswer, "escrows: the pages don't go on") }
            after = next
        }
    }

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
            let code = Problem.Code(rawValue: try fields.string("code", maxBytes: 64)) ?? .badAnswer
            return Problem(code, try fields.string("detail", maxBytes: 4096))
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
