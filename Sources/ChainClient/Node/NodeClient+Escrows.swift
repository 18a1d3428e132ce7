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
    /// Escrows of one status and one coordinator, a page at a time.
    package func escrows(status: Escrow.Status, coordinator: PublicKey, after: JobID? = nil) async throws(Problem) -> EscrowRecordPage {
        let query = "?status=\(status.rawValue)&coordinator=\(coordinator.hex)" + (after.map { "&after=\($0.text)" } ?? "")
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
