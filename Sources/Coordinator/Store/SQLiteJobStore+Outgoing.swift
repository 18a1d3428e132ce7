import GRDB
import Ledger
import Signing
import Wire

extension SQLiteJobStore {
    /// The open lines of the desk, oldest first.
    func openOutgoing(limit: Int) throws(Problem) -> [Outgoing] {
        try read { db in
            let sql = "SELECT * FROM outgoing WHERE stage IN ('due', 'sent', 'closing') ORDER BY id LIMIT ?"
            return try Row.fetchAll(db, sql: sql, arguments: [limit]).map { try Self.outgoing($0) }
        }
    }

    func outgoing(_ kind: Outgoing.Kind, of job: JobID) throws(Problem) -> Outgoing? {
        try read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM outgoing WHERE kind = ? AND job = ?", arguments: [kind.rawValue, job.text]).map { try Self.outgoing($0) }
        }
    }

    func save(_ line: Outgoing) throws(Problem) {
        try write { db in
            try db.execute(
                sql: "UPDATE outgoing SET stage = ?, nonce = ?, tx = ?, height = ?, code = ? WHERE id = ?",
                arguments: [
                    line.stage.rawValue, line.transaction?.nonce, line.transaction?.json.canonicalString, line.height, line.code?.rawValue, line.id,
                ])
        }
    }

    func orderRefund(of job: JobID, from sender: Address, now: Int64) throws(Problem) -> Bool {
        try write { db in try Self.orderRefund(of: job, from: sender, now: now, in: db) }
    }

    /// Writes a refund's line, unless the job's output was accepted or the line is there. In the caller's transaction: between
    /// the look and the line nothing can be attested.
    static func orderRefund(of job: JobID, from sender: Address, now: Int64, in db: Database) throws -> Bool {
        let attested = try Bool.fetchOne(db, sql: "SELECT claim IS NOT NULL FROM job WHERE id = ?", arguments: [job.text]) ?? false
        if attested { return false }
        try db.execute(
            sql: """
                INSERT INTO outgoing (kind, job, sender, payload, amount, created, stage) VALUES ('refund', ?, ?, ?, 0, ?, 'due')
                ON CONFLICT (kind, job) DO NOTHING
                """,
            arguments: [job.text, sender.text, Payload.escrowRefund(job).json.canonicalString, now])
        return db.changesCount == 1
    }

    /// Throws `not_ready` where a refund of the job was written down: it must not be attested any more.
    static func refuseRefunded(_ job: JobID, in db: Database) throws {
        let sql = "SELECT EXISTS (SELECT 1 FROM outgoing WHERE kind = 'refund' AND job = ?)"
        if try Bool.fetchOne(try db.cachedStatement(sql: sql), arguments: [job.text]) ?? false {
            throw Problem(.notReady, "the job's escrow is being refunded")
        }
    }

    /// Writes a sponsor's payment. Throws `sponsor_exhausted` where it would pass a cap; the caller's transaction is undone then.
    static func orderPayment(_ payment: SponsoredPayment, of job: JobID, now: Int64, in db: Database) throws {
        try checkSponsor(payment.sender, payment.amount, perHour: payment.perHour, inAll: payment.inAll, now: now, in: db)
        try db.execute(
            sql: "INSERT INTO outgoing (kind, job, sender, payload, amount, created, stage) VALUES ('payment', ?, ?, ?, ?, ?, 'due')",
            arguments: [job.text, payment.sender.text, payment.payload.json.canonicalString, payment.amount, now])
        try db.execute(sql: "UPDATE job SET ticket = ? WHERE id = ?", arguments: [payment.ticket, job.text])
    }

    func checkSponsor(_ sender: Address, perHour: Int64, inAll: Int64, now: Int64) throws(Problem) {
        try read { db in try Self.checkSponsor(sender, 1, perHour: perHour, inAll: inAll, now: now, in: db) }
    }

    private static func checkSponsor(_ sender: Address, _ amount: Int64, perHour: Int64, inAll: Int64, now: Int64, in db: Database) throws {
        let sql = "SELECT TOTAL(amount) FROM outgoing WHERE kind = 'payment' AND sender = ? AND stage != 'dropped' AND created > ?"
        func spent(since time: Int64) throws -> Double { try Double.fetchOne(db, sql: sql, arguments: [sender.text, time]) ?? 0 }
        guard try spent(since: -1) + Double(amount) <= Double(inAll) else {
            throw Problem(.sponsorExhausted, "the sponsor's budget is used up; sign the request and pay yourself")
        }
        guard try spent(since: now - 3_600_000) + Double(amount) <= Double(perHour) else {
            throw Problem(.sponsorExhausted, "the sponsor pays no more within this hour; try later, or sign the request and pay yourself")
        }
    }

    func job(ticket: String) throws(Problem) -> JobID? {
        try read { db in try String.fetchOne(db, sql: "SELECT id FROM job WHERE ticket = ?", arguments: [ticket]).map { try JobID($0) } }
    }

    func outgoingCounts() throws(Problem) -> [String: Int64] {
        try read { db in
            var counts: [String: Int64] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT kind, stage, COUNT(*) AS n FROM outgoing GROUP BY kind, stage") {
                let (kind, stage): (String, String) = (row["kind"], row["stage"])
                counts["\(kind) \(stage)"] = row["n"]
            }
            return counts
        }
    }

    private static func outgoing(_ row: Row) throws -> Outgoing {
        guard let kind = Outgoing.Kind(rawValue: row["kind"]), let stage = Outgoing.Stage(rawValue: row["stage"]) else {
            throw Problem(.ioFailed, "a stored transaction is in no known stage")
        }
        let (tx, code): (String?, String?) = (row["tx"], row["code"])
        return Outgoing(
            id: row["id"], kind: kind, job: try JobID(row["job"]), sender: try Address(row["sender"]),
            payload: try Payload(type: kind == .refund ? "ESCROW_REFUND" : "TRANSFER", try JSON.column(row["payload"])), amount: row["amount"],
            created: row["created"], stage: stage, transaction: try tx.map { try Transaction(try JSON.column($0)) }, height: row["height"],
            code: code.flatMap { Problem.Code(rawValue: $0) })
    }
}
