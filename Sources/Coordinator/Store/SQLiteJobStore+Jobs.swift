import GRDB
import Jobs
import Ledger
import Signing
import Wire

extension SQLiteJobStore {
    func openJobs() throws(Problem) -> [StoredJob] {
        try read { db in
            let open = "SELECT * FROM job WHERE phase IN ('quoted', 'queued', 'leased', 'verifying')"
            let unclaimed = "SELECT * FROM job WHERE phase = 'completed' AND claimed = 0 ORDER BY position DESC LIMIT 10000"
            return try Row.fetchAll(db, sql: "\(open) UNION ALL SELECT * FROM (\(unclaimed)) ORDER BY position").map { try Self.job($0) }
        }
    }

    func job(_ id: JobID) throws(Problem) -> StoredJob? {
        try read { db in try Row.fetchOne(db, sql: "SELECT * FROM job WHERE id = ?", arguments: [id.text]).map { try Self.job($0) } }
    }

    func jobs(of client: Address, stage: TaskStage?, before: Int64?, limit: Int) throws(Problem) -> [(position: Int64, job: StoredJob)] {
        let phases =
            switch stage {
            case .pending: ["quoted", "queued"]
            case .running: ["leased", "verifying"]
            case .completed: ["completed"]
            case .failed: ["failed", "canceled"]
            case nil: ["quoted", "queued", "leased", "verifying", "completed", "failed", "canceled"]
            }
        let list = phases.map { "'\($0)'" }.joined(separator: ",")
        return try read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM job WHERE client = ? AND position < ? AND phase IN (\(list)) ORDER BY position DESC LIMIT ?",
                arguments: [client.text, before ?? .max, limit]
            ).map { (position: $0["position"], job: try Self.job($0)) }
        }
    }

    func counts() throws(Problem) -> [String: Int64] {
        try read { db in
            var counts: [String: Int64] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT phase, COUNT(*) AS n FROM job GROUP BY phase") { counts[row["phase"]] = row["n"] }
            return counts
        }
    }

    func totals() throws(Problem) -> NetworkTotals {
        try read { db in
            let sql = """
                SELECT claimed, COUNT(*) AS n, TOTAL(json_extract(quote, '$.compute_units')) AS units, TOTAL(json_extract(quote, '$.price')) AS price
                FROM job WHERE phase = 'completed' GROUP BY claimed
                """
            var totals = NetworkTotals()
            for row in try Row.fetchAll(db, sql: sql) {
                let (jobs, units, price): (Int64, Double, Double) = (row["n"], row["units"], row["price"])
                totals.add(jobs: jobs, units: Int64(clamping: units), price: Int64(clamping: price), arePaid: row["claimed"])
            }
            return totals
        }
    }

    func insert(_ job: StoredJob, client: PublicKey, idempotency: IdempotencyKey?, payment: SponsoredPayment?) throws(Problem) {
        try write { db in
            try db.execute(
                sql: """
                    INSERT INTO job (id, client, client_key, phase, claimed, spec, quote, state, created) VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?)
                    """,
                arguments: [
                    job.id.text, job.quote.client.text, client.hex, job.state.phase.name, job.spec.json.canonicalString,
                    job.quote.json.canonicalString, job.state.json.canonicalString, job.created,
                ])
            if let payment { try Self.orderPayment(payment, of: job.id, now: job.created, in: db) }
            guard let idempotency else { return }
            try db.execute(
                sql: "INSERT INTO idempotency (client, key, body, job) VALUES (?, ?, ?, ?)",
                arguments: [idempotency.client.text, idempotency.key, idempotency.body.hex, job.id.text])
        }
    }

    func job(for key: IdempotencyKey) throws(Problem) -> (id: JobID, body: Digest)? {
        try read { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT job, body FROM idempotency WHERE client = ? AND key = ?", arguments: [key.client.text, key.key])
            else { return nil }
            guard let body = Digest(hex: row["body"]) else { throw Problem(.ioFailed, "a stored digest is damaged") }
            return (id: try JobID(row["job"]), body: body)
        }
    }

    func apply(_ change: BoardChange) throws(Problem) {
        try write { db in
            let now = change.now
            for blob in change.blobs { try Self.write(blob, now: change.now, to: db) }
            for change in change.jobs { try Self.write(change, now: now, to: db) }
            for (owner, standing) in change.standings { try Self.write(standing, of: owner, to: db) }
            for (worker, view) in change.views { try Self.write(view, of: worker, to: db) }
            for line in change.demand { try Self.write(line, to: db) }
        }
    }

    private static func write(_ change: JobChange, now: Int64, to db: Database) throws {
        let job = change.job
        if job.finished != nil { try refuseRefunded(job.id, in: db) }
        let (phase, claimed, state) = (job.state.phase.name, job.state.claimHeight == nil ? 0 : 1, job.state.json.canonicalString)
        if change.knowsFinished {
            let sql = "UPDATE job SET phase = ?, claimed = ?, state = ? WHERE id = ?"
            try db.cachedStatement(sql: sql).execute(arguments: [phase, claimed, state, job.id.text])
        } else {
            let sql = "UPDATE job SET phase = ?, claimed = ?, state = ?, output = ?, claim = ?, record = ? WHERE id = ?"
            try db.cachedStatement(sql: sql).execute(arguments: [
                phase, claimed, state, job.finished?.output.json.canonicalString, job.finished?.claim.json.canonicalString,
                job.finished?.record.json.canonicalString, job.id.text,
            ])
        }
        guard db.changesCount == 1 else { throw Problem(.ioFailed, "a job is missing from the store") }
        if let lease = change.lease { try write(lease, known: change.knownLease, to: db) }
        if change.refund { _ = try orderRefund(of: job.id, from: job.quote.coordinator.address, now: now, in: db) }
    }

    private static func job(_ row: Row) throws -> StoredJob {
        var finished: FinishedWork?
        if let output: String = row["output"], let claim: String = row["claim"], let record: String = row["record"] {
            finished = FinishedWork(
                output: try OutputMetadata(json: try JSON.column(output)), claim: try ReceiptClaim(try JSON.column(claim)),
                record: try VerificationRecord(json: try JSON.column(record)))
        }
        return StoredJob(
            spec: try JobSpec(json: try JSON.column(row["spec"])), quote: try Quote(try JSON.column(row["quote"])),
            state: try JobState(json: try JSON.column(row["state"])), created: row["created"], finished: finished)
    }
}

extension Int64 {
    /// A sum that SQLite made, which is a whole number; at 2^53−1 where it is more.
    fileprivate init(clamping sum: Double) { self = sum < Double(JSON.maxInteger) ? Int64(sum) : JSON.maxInteger }
}
