import Foundation
import GRDB
package import Ledger
package import Wire

/// The outbox on disk: SQLite in WAL with `synchronous=FULL`, so that what was written is there after a power cut.
package final class OutboxStore: Sendable {
    private let database: DatabaseQueue
    private let queue = DiskQueue("outbox")

    /// Opens or makes the file.
    ///
    /// - Throws: `io_failed` with SQLite's reason.
    package init(path: String) throws(Problem) {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.journalMode = .wal
        let settings = configuration
        database = try Self.checked { try DatabaseQueue(path: path, configuration: settings) }
        // After opening: GRDB sets NORMAL when it turns WAL on.
        try Self.checked { try database.inDatabase { db in try db.execute(sql: "PRAGMA synchronous = FULL") } }
        try write { db in
            try db.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS outbox (
                        sequence INTEGER PRIMARY KEY,
                        receipt TEXT NOT NULL UNIQUE,
                        phase TEXT NOT NULL,
                        document BLOB NOT NULL
                    )
                    """)
            try db.execute(sql: "CREATE INDEX IF NOT EXISTS outbox_phase ON outbox (phase, sequence)")
        }
    }

    /// Adds a new entry, or writes what became of a known one. On disk when it returns.
    package func save(_ entry: OutboxEntry) throws(Problem) {
        let (id, phase, document) = (entry.id.text, entry.phase.name, Data(entry.json.canonicalBytes))
        try write { db in
            try db.execute(
                sql:
                    "INSERT INTO outbox (receipt, phase, document) VALUES (?, ?, ?) ON CONFLICT (receipt) DO UPDATE SET phase = excluded.phase, document = excluded.document",
                arguments: [id, phase, document])
        }
    }

    package func entry(_ id: ReceiptID) throws(Problem) -> OutboxEntry? {
        let id = id.text
        let bytes = try read { db in try DatabaseBytes.fetch(db, "SELECT document FROM outbox WHERE receipt = ?", [id]) }
        return try bytes.first.map { (document) throws(Problem) in try OutboxEntry(json: try JSON.parse(document)) }
    }

    /// Entries in these phases, oldest first.
    package func entries(in phases: [String], limit: Int = 1_000) throws(Problem) -> [OutboxEntry] {
        let marks = Array(repeating: "?", count: phases.count).joined(separator: ", ")
        let arguments = StatementArguments(phases) + [limit]
        let documents = try read { db in
            try DatabaseBytes.fetch(db, "SELECT document FROM outbox WHERE phase IN (\(marks)) ORDER BY sequence LIMIT ?", arguments)
        }
        var entries: [OutboxEntry] = []
        for document in documents { entries.append(try OutboxEntry(json: try JSON.parse(document))) }
        return entries
    }

    /// How many entries there are in each phase.
    package func counts() throws(Problem) -> [String: Int] {
        try read { db in
            var counts: [String: Int] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT phase, COUNT(*) AS count FROM outbox GROUP BY phase") { counts[row["phase"]] = row["count"] }
            return counts
        }
    }

    /// `save` for callers on Swift's shared pool.
    func keep(_ entry: OutboxEntry) async throws(Problem) { try await queue.run { () throws(Problem) in try self.save(entry) } }

    /// `entries(in:)` for callers on Swift's shared pool.
    func find(in phases: [String]) async throws(Problem) -> [OutboxEntry] {
        try await queue.run { () throws(Problem) in try self.entries(in: phases) }
    }

    /// `counts` for callers on Swift's shared pool.
    func tally() async throws(Problem) -> [String: Int] { try await queue.run { () throws(Problem) in try self.counts() } }

    /// SQLite's `synchronous` setting; 2 is FULL.
    package func synchronousMode() throws(Problem) -> Int? {
        try Self.checked { try database.inDatabase { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") } }
    }

    private func read<Value>(_ body: (Database) throws -> Value) throws(Problem) -> Value { try Self.checked { try database.read(body) } }

    private func write(_ body: (Database) throws -> Void) throws(Problem) { try Self.checked { try database.write(body) } }

    private static func checked<Value>(_ body: () throws -> Value) throws(Problem) -> Value {
        do {
            return try body()
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.ioFailed, "the outbox: \(error)")
        }
    }
}

private enum DatabaseBytes {
    static func fetch(_ db: Database, _ sql: String, _ arguments: StatementArguments) throws -> [[UInt8]] {
        try Data.fetchAll(db, sql: sql, arguments: arguments).map { Array($0) }
    }
}
