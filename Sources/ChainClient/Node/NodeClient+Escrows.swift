package import Ledger
package import Signing
package import Wire

/// A page of escrows, in the order of job ids.
package struct EscrowRecordPage: Sendable, Equatable {
    package let escrows: [EscrowRecord]
    /// To be given as `after` for the next page; nil on the last one.
    package let next: JobID?
}

extension NodeClient {
    /// A coordinator's escrows that still hold money, a page at a time: what it rebuilds its queue from.
    ///
    /// - Parameters:
    ///   - status: open or closing; nil for both.
    ///   - after: the `next` of the page before.
    ///   - limit: 1 … 256; nil for as many as the node gives.
    package func escrows(
        status: Escrow.Status? = nil, coordinator: PublicKey, after: JobID? = nil, limit: Int? = nil
    ) async throws(Problem) -> EscrowRecordPage {
        var query = "?coordinator=\(coordinator.hex)"
        if let status { query += "&status=\(status.rawValue)" }
        if let after { query += "&after=\(after.text)" }
        if let limit { query += "&limit=\(limit)" }
        let answer = try await api.json(.get, "/rpc/escrows", query: query, limits: HTTPLimits(answerBytes: 8 << 20))
        return try Problem.reading("escrows") { () throws(Problem) in
            var fields = try JSONFields(answer, "escrows")
            var escrows: [EscrowRecord] = []
            for item in try fields.array("escrows", maxCount: 10_000) { escrows.append(try EscrowRecord(json: item)) }
            let next = try fields.present("next").map { (value) throws(Problem) in try JobID(value.stringValue ?? "") }
            // A page that does not go on would be asked for for ever.
            if let next, let last = escrows.last, next != last.jobID || after.map({ next <= $0 }) ?? false {
                throw Problem(.badAnswer, "a page of escrows does not go on after \(last.jobID)")
            }
            return EscrowRecordPage(escrows: escrows, next: next)
        }
    }
}
