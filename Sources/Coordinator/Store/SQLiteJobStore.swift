import GRDB
import Jobs
import Ledger
import Signing
import Wire

/// The store in one SQLite file: write-ahead log, every commit synced (`synchronous=FULL`).
struct SQLiteJobStore: JobStore {
    let database: DatabaseQueue

    /// Opens or makes the file. Throws `io_failed`.
    init(path: String) throws(Problem) {
        database = try Self.guarded {
            var configuration = Configuration()
            configuration.busyMode = .timeout(5)
            configuration.journalMode = .wal
            StoreFile.make(path)
            let database = try DatabaseQueue(path: path, configuration: configuration)
            // After opening: GRDB sets NORMAL when it turns WAL on.
            // A log of 16 MiB: pages that change often are copied into the file less often. Memory for 8 MiB of pages: those of the
            // jobs at work are not read again for each step.
            try database.inDatabase { db in
                try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -8192")
            }
            try Self.migrator.migrate(database)
            return database
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE job (
                        position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, client TEXT NOT NULL, client_key TEXT NOT NULL,
                        phase TEXT NOT NULL, claimed INTEGER NOT NULL, spec TEXT NOT NULL, quote TEXT NOT NULL, state TEXT NOT NULL,
                        created INTEGER NOT NULL, output TEXT, claim TEXT, record TEXT);
                    CREATE INDEX job_by_client ON job (client, position);
                    CREATE INDEX job_by_phase ON job (phase, claimed);
                    CREATE TABLE idempotency (
                        client TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, job TEXT NOT NULL REFERENCES job (id),
                        PRIMARY KEY (client, key)) WITHOUT ROWID;
                    CREATE TABLE lease (
                        id TEXT NOT NULL PRIMARY KEY, job TEXT NOT NULL REFERENCES job (id), lease TEXT NOT NULL, payout TEXT NOT NULL,
                        commitment TEXT, answer TEXT, refusal TEXT) WITHOUT ROWID;
                    CREATE TABLE worker (address TEXT NOT NULL PRIMARY KEY, registration TEXT NOT NULL, draining INTEGER NOT NULL) WITHOUT ROWID;
                    CREATE TABLE blob (root TEXT NOT NULL PRIMARY KEY, bytes INTEGER NOT NULL, owner TEXT NOT NULL) WITHOUT ROWID;
                    CREATE INDEX blob_by_owner ON blob (owner);
                    """)
        }
        migrator.registerMigration("2") { db in
            try db.execute(sql: "CREATE TABLE nonce (name TEXT NOT NULL PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID")
        }
        migrator.registerMigration("3") { db in
            try db.execute(
                sql: """
                    ALTER TABLE blob ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
                    UPDATE blob SET used = CAST(strftime('%s', 'now') AS INTEGER) * 1000;
                    CREATE INDEX blob_by_use ON blob (used);
                    """)
        }
        migrator.registerMigration("standing") { db in
            try db.execute(sql: "CREATE TABLE standing (owner TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID")
        }
        // Results bring small outputs with them; they are kept in the commitment's own transaction.
        migrator.registerMigration("small blobs") { db in
            try db.execute(sql: "CREATE TABLE small_blob (root TEXT NOT NULL PRIMARY KEY, data BLOB NOT NULL)")
        }
        migrator.registerMigration("outgoing") { db in
            try db.execute(
                sql: """
                    CREATE TABLE outgoing (
                        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, job TEXT NOT NULL, sender TEXT NOT NULL, payload TEXT NOT NULL,
                        amount INTEGER NOT NULL, created INTEGER NOT NULL, stage TEXT NOT NULL, nonce INTEGER, tx TEXT, height INTEGER, code TEXT,
                        UNIQUE (kind, job));
                    CREATE INDEX outgoing_by_stage ON outgoing (stage, id);
                    ALTER TABLE job ADD COLUMN ticket TEXT;
                    CREATE UNIQUE INDEX job_by_ticket ON job (ticket) WHERE ticket IS NOT NULL;
                    """)
        }
        migrator.registerMigration("uploads") { db in
            try db.execute(
                sql: """
                    CREATE TABLE upload (root TEXT NOT NULL, owner TEXT NOT NULL, bytes INTEGER NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (root, owner))
                        WITHOUT ROWID;
                    CREATE INDEX upload_by_owner ON upload (owner);
                    """)
        }
        migrator.registerMigration("demand") { db in try makeDemand(db) }
        migrator.registerMigration("views") { db in
            try db.execute(sql: "CREATE TABLE view (worker TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID")
        }
        return migrator
    }

    /// SQLite's `synchronous` setting; 2 is FULL.
    func synchronousMode() throws(Problem) -> Int? {
        try Self.guarded { try database.inDatabase { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") } }
    }

    func nonces(after second: Int64) throws(Problem) -> [String: Int64] {
        try write { db in
            try db.execute(sql: "DELETE FROM nonce WHERE expires <= ?", arguments: [second])
            let rows = try Row.fetchAll(db, sql: "SELECT name, expires FROM nonce")
            return Dictionary(rows.map { (row: Row) -> (String, Int64) in (row["name"], row["expires"]) }) { first, _ in first }
        }
    }

    func saveNonce(_ name: String, expires: Int64) throws(Problem) {
        try write { db in
            try db.execute(sql: "INSERT OR REPLACE INTO nonce (name, expires) VALUES (?, ?)", arguments: [name, expires])
        }
    }

    /// This is the file's only connection, and one body runs at a time: GRDB's own `read` would begin a transaction and set
    /// `PRAGMA query_only`, each change of which has SQLite compile every cached statement anew.
    func read<Value: Sendable>(_ body: (Database) throws -> Value) throws(Problem) -> Value {
        try Self.guarded { try database.inDatabase(body) }
    }

    func write<Value: Sendable>(_ body: (Database) throws -> Value) throws(Problem) -> Value {
        try Self.guarded { try database.write(body) }
    }

    private static func guarded<Value>(_ body: () throws -> Value) throws(Problem) -> Value {
        do {
            return try body()
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.ioFailed, "the coordinator's database: \(error)")
        }
    }
}

extension JSON {
    /// Reads a column that this store wrote.
    static func column(_ text: String) throws(Problem) -> JSON { try parse(Array(text.utf8)) }
}
