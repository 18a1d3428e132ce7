import Foundation
import GRDB
import Ledger
import Wire

/// An entry as it goes to the disk, made before anyone waits for the disk.
struct OutboxRow: Sendable {
    private let receipt: String
    private let phase: String
    private let progress: Data
    /// What never changes, of an entry that may not be there yet.
    private let document: Data?
    private let outputs: [(position: Int, bytes: Data)]
    /// Whether output bytes that are kept may go: the result is decided.
    private let isDecided: Bool

    /// - Parameter isNew: writes also what never changes.
    init(_ entry: OutboxEntry, isNew: Bool) {
        (receipt, phase) = (entry.id.text, entry.phase.name)
        progress = Data(entry.progress.canonicalBytes)
        document = isNew ? Data(entry.document.canonicalBytes) : nil
        outputs = isNew ? entry.bytesHere.map { ($0.key, Data($0.value)) } : []
        isDecided =
            switch entry.phase {
            case .attested, .rejected: true
            case .computed, .claiming, .paid: false
            }
    }

    /// Throws `io_failed` for a known entry that is not there.
    func write(_ db: Database) throws {
        if let document { try insert(document, db) } else { try update(db) }
    }

    private func insert(_ document: Data, _ db: Database) throws {
        let sql = """
            INSERT INTO outbox (receipt, phase, document, progress) VALUES (?, ?, x'', ?)
            ON CONFLICT (receipt) DO UPDATE SET phase = excluded.phase, document = excluded.document, progress = excluded.progress
            RETURNING sequence
            """
        guard let sequence = try Int64.fetchOne(try db.cachedStatement(sql: sql), arguments: [receipt, phase, progress]) else {
            throw Problem(.ioFailed, "the outbox: an entry has no place")
        }
        let put = "INSERT OR REPLACE INTO outbox_document (sequence, document) VALUES (?, ?)"
        try db.cachedStatement(sql: put).execute(arguments: [sequence, document])
        try db.cachedStatement(sql: "DELETE FROM outbox_output WHERE sequence = ?").execute(arguments: [sequence])
        for output in outputs {
            let put = "INSERT INTO outbox_output (sequence, position, bytes) VALUES (?, ?, ?)"
            try db.cachedStatement(sql: put).execute(arguments: [sequence, output.position, output.bytes])
        }
    }

    private func update(_ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE outbox SET phase = ?, progress = ? WHERE receipt = ?").execute(arguments: [phase, progress, receipt])
        guard db.changesCount == 1 else { throw Problem(.ioFailed, "the outbox: a receipt is missing") }
        guard isDecided else { return }
        let drop = "DELETE FROM outbox_output WHERE sequence = (SELECT sequence FROM outbox WHERE receipt = ?)"
        try db.cachedStatement(sql: drop).execute(arguments: [receipt])
    }

    /// Entries whose rows a condition chooses, in an order.
    ///
    /// - Parameter clause: what follows on `FROM outbox`, such as `WHERE phase = ? ORDER BY sequence`.
    static func fetch(_ db: Database, _ clause: String, _ arguments: StatementArguments) throws -> [OutboxEntry] {
        let sql = """
            SELECT phase, progress, coalesce((SELECT document FROM outbox_document WHERE sequence = outbox.sequence), document) AS document, sequence
            FROM outbox \(clause)
            """
        return try Row.fetchAll(db, sql: sql, arguments: arguments).map { try entry($0, db) }
    }

    private static func entry(_ row: Row, _ db: Database) throws -> OutboxEntry {
        let (phase, progress, document, sequence): (String, Data?, Data, Int64) = (row[0], row[1], row[2], row[3])
        let json = try JSON.parse(Array(document))
        guard let progress else { return try OutboxEntry(version1: json) }
        var bytes: [Int: [UInt8]] = [:]
        if phase == "computed" {
            let rows = try Row.fetchAll(db, sql: "SELECT position, bytes FROM outbox_output WHERE sequence = ?", arguments: [sequence])
            for row in rows { bytes[row[0]] = Array(row[1] as Data) }
        }
        return try OutboxEntry(document: json, phase: phase, progress: try JSON.parse(Array(progress)), bytes: bytes)
    }
}

/// The tables of a miner's file.
enum OutboxSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        // Files from before there were migrations have this table.
        migrator.registerMigration("outbox") { db in
            try db.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS outbox (
                        sequence INTEGER PRIMARY KEY, receipt TEXT NOT NULL UNIQUE, phase TEXT NOT NULL, document BLOB NOT NULL);
                    CREATE INDEX IF NOT EXISTS outbox_phase ON outbox (phase, sequence);
                    """)
        }
        // `outbox.document` is empty from here on. Older rows keep theirs, which says all of them until they have a `progress`.
        migrator.registerMigration("progress") { db in
            try db.execute(
                sql: """
                    ALTER TABLE outbox ADD COLUMN progress BLOB;
                    CREATE TABLE outbox_document (
                        sequence INTEGER PRIMARY KEY REFERENCES outbox (sequence) ON DELETE CASCADE, document BLOB NOT NULL);
                    CREATE TABLE outbox_output (
                        sequence INTEGER NOT NULL REFERENCES outbox (sequence) ON DELETE CASCADE, position INTEGER NOT NULL, bytes BLOB NOT NULL,
                        PRIMARY KEY (sequence, position)) WITHOUT ROWID;
                    """)
        }
        return migrator
    }
}
