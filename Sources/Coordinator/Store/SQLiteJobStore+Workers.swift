import GRDB
import Jobs
import Ledger
import Signing
import Wire

extension SQLiteJobStore {
    /// - Parameter known: the lease as the store has it. A commitment and an outcome, once there, never change: each is written once.
    static func write(_ lease: StoredLease, known: StoredLease?, to db: Database) throws {
        let known = known?.grant.id == lease.grant.id ? known : nil
        let (knowsCommitment, knowsOutcome) = (known?.isCommitted == true, known?.outcome != nil)
        if let known, known.grant == lease.grant, knowsCommitment == lease.isCommitted, knowsOutcome == (lease.outcome != nil) { return }
        var answer: String?
        var refusal: String?
        switch knowsOutcome ? nil : lease.outcome {
        // The job has both, the claim and the record, from the same transaction on.
        case .accepted: answer = ""
        case .refused(let problem): refusal = problem.brief.canonicalString
        case nil: break
        }
        let sql = """
            INSERT INTO lease (id, job, lease, payout, commitment, answer, refusal) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET lease = excluded.lease, commitment = iif(?, commitment, excluded.commitment),
                answer = iif(?, answer, excluded.answer), refusal = iif(?, refusal, excluded.refusal)
            """
        try db.cachedStatement(sql: sql).execute(arguments: [
            lease.grant.id, lease.job.text, lease.grant.json.canonicalString, lease.payout.text,
            knowsCommitment ? nil : lease.commitment?.json.canonicalString, answer, refusal, knowsCommitment, knowsOutcome, knowsOutcome,
        ])
    }

    static func write(_ standing: WorkerStanding, of owner: StandingOwner, to db: Database) throws {
        let sql = "INSERT INTO standing (owner, document) VALUES (?, ?) ON CONFLICT (owner) DO UPDATE SET document = excluded.document"
        try db.cachedStatement(sql: sql).execute(arguments: [owner.name, standing.json.canonicalString])
    }

    func standing(_ owner: StandingOwner) throws(Problem) -> WorkerStanding? {
        let text = try read { db in try String.fetchOne(db, sql: "SELECT document FROM standing WHERE owner = ?", arguments: [owner.name]) }
        return try text.map { (text) throws(Problem) in try WorkerStanding(json: try JSON.column(text)) }
    }

    func lease(_ id: String) throws(Problem) -> StoredLease? {
        try read { db in
            guard let row = try Row.fetchOne(db, sql: "SELECT * FROM lease WHERE id = ?", arguments: [id]) else { return nil }
            let commitment: String? = row["commitment"]
            var outcome: LeaseOutcome?
            if let answer: String = row["answer"] { outcome = .accepted(try Self.accepted(answer, job: row["job"], in: db)) }
            if let refusal: String = row["refusal"] { outcome = .refused(try JSON.problem(try JSON.column(refusal))) }
            return StoredLease(
                grant: try LeaseGrant(json: try JSON.column(row["lease"])), job: try JobID(row["job"]), payout: try Address(row["payout"]),
                commitment: try commitment.map { try LeaseResult(json: try JSON.column($0)) }, outcome: outcome)
        }
    }

    /// What a lease's holder was answered: in files of earlier versions the column has it, since then the job.
    private static func accepted(_ answer: String, job: String, in db: Database) throws -> LeaseResultAnswer {
        if !answer.isEmpty { return try LeaseResultAnswer(json: try JSON.column(answer)) }
        guard let row = try Row.fetchOne(db, sql: "SELECT claim, record FROM job WHERE id = ?", arguments: [job]), let claim: String = row["claim"],
            let record: String = row["record"]
        else { throw Problem(.ioFailed, "an accepted job has no receipt") }
        return LeaseResultAnswer(claim: try ReceiptClaim(try JSON.column(claim)), verification: try VerificationRecord(json: try JSON.column(record)))
    }

    func save(_ worker: StoredWorker) throws(Problem) {
        try write { db in
            try db.execute(
                sql: """
                    INSERT INTO worker (address, registration, draining) VALUES (?, ?, ?)
                    ON CONFLICT (address) DO UPDATE SET registration = excluded.registration, draining = excluded.draining
                    """,
                arguments: [worker.registration.address.text, worker.registration.json.canonicalString, worker.draining])
        }
    }

    func removeWorker(_ address: Address) throws(Problem) {
        try write { db in
            try db.execute(sql: "DELETE FROM worker WHERE address = ?", arguments: [address.text])
            // Keys cost nothing: what they showed goes with them, and is shown again.
            try db.execute(sql: "DELETE FROM view WHERE worker = ?", arguments: [address.text])
        }
    }

    func workers() throws(Problem) -> [StoredWorker] {
        try read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM worker").map { row in
                StoredWorker(registration: try WorkerRegistration(json: try JSON.column(row["registration"])), draining: row["draining"])
            }
        }
    }

    func knownKeys() throws(Problem) -> [PublicKey] {
        let clients = try read { db in try String.fetchAll(db, sql: "SELECT DISTINCT client_key FROM job") }
        return clients.compactMap { PublicKey(hex: $0) } + (try workers().map(\.registration.publicKey))
    }
}

extension JSON {
    /// A refusal that a column holds as its brief; a code that isn't known is damage here.
    fileprivate static func problem(_ json: JSON) throws(Problem) -> Problem {
        var fields = try JSONFields(json, "refusal")
        guard let code = Problem.Code(rawValue: try fields.string("code")) else { throw Problem(.ioFailed, "a stored refusal is damaged") }
        return Problem(code, try fields.string("detail", maxBytes: 4096))
    }
}
