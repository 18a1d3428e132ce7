import Foundation
import GRDB
import Signing
import Synchronization
package import Ledger
package import Wire

/// The outbox on disk: SQLite in WAL with `synchronous=FULL`, so that what was written is there after a power cut.
package final class OutboxStore: Sendable {
    private let database: DatabaseQueue
    private let queue = DiskQueue("outbox")
    /// Writes that wait for the disk: all that have come while it was busy go into one transaction.
    private let waiting = Mutex(Waiting())
    /// Settled entries that are kept for the operator; older ones go.
    package static let kept = 10_000

    private struct Waiting {
        var writes: [Write] = []
        /// When the last ones were done.
        var written: ContinuousClock.Instant?
    }

    /// A write so soon after another one waits a moment for company: each wait for the disk costs more than many rows.
    private static let soon = Duration.milliseconds(20)
    private static let gathering = Duration.milliseconds(2)

    private struct Write: Sendable {
        let rows: [OutboxRow]
        let done: CheckedContinuation<Result<Void, Problem>, Never>
    }

    /// Opens or makes the file.
    ///
    /// - Throws: `io_failed` with SQLite's reason.
    package init(path: String) throws(Problem) {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.journalMode = .wal
        let settings = configuration
        StoreFile.make(path)
        database = try Self.checked { try DatabaseQueue(path: path, configuration: settings) }
        // After opening: GRDB sets NORMAL when it turns WAL on.
        try Self.checked { try database.inDatabase { db in try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000") } }
        try Self.checked { try OutboxSchema.migrator.migrate(database) }
    }

    /// Adds a new entry, or writes a known one anew. On disk when it returns.
    package func save(_ entry: OutboxEntry) throws(Problem) {
        let row = OutboxRow(entry, isNew: true)
        try write { db in try row.write(db) }
    }

    package func entry(_ id: ReceiptID) throws(Problem) -> OutboxEntry? {
        try read { db in try OutboxRow.fetch(db, "WHERE receipt = ?", [id.text]).first }
    }

    /// Entries in these phases, oldest first.
    package func entries(in phases: [String], limit: Int = 1_000) throws(Problem) -> [OutboxEntry] {
        let marks = Array(repeating: "?", count: phases.count).joined(separator: ", ")
        let arguments = StatementArguments(phases) + [limit]
        return try read { db in try OutboxRow.fetch(db, "WHERE phase IN (\(marks)) ORDER BY sequence LIMIT ?", arguments) }
    }

    /// How many entries there are in each phase.
    package func counts() throws(Problem) -> [String: Int] {
        try read { db in
            var counts: [String: Int] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT phase, COUNT(*) AS count FROM outbox GROUP BY phase") { counts[row["phase"]] = row["count"] }
            return counts
        }
    }

    /// `save` for callers on Swift's shared pool. Callers that come while the disk is busy share one wait for it.
    package func add(_ entry: OutboxEntry) async throws(Problem) { try await put([OutboxRow(entry, isNew: true)]) }

    /// Writes what became of known entries, of all or of none, in the same way.
    package func keep(_ entries: [OutboxEntry]) async throws(Problem) { try await put(entries.map { OutboxRow($0, isNew: false) }) }

    func keep(_ entry: OutboxEntry) async throws(Problem) { try await keep([entry]) }

    private func put(_ rows: [OutboxRow]) async throws(Problem) {
        guard !rows.isEmpty else { return }
        let outcome: Result<Void, Problem> = await withCheckedContinuation { done in
            let pause: Duration? = waiting.withLock { waiting in
                waiting.writes.append(Write(rows: rows, done: done))
                guard waiting.writes.count == 1 else { return nil }
                return waiting.written.map { .now - $0 < Self.soon } == true ? Self.gathering : .zero
            }
            if let pause { queue.enqueue(after: pause) { self.flush() } }
        }
        try outcome.get()
    }

    /// One transaction for all; where that fails, one for each, so that nobody answers for another's entry.
    private func flush() {
        let writes = waiting.withLock { waiting in
            defer { waiting.writes = [] }
            return waiting.writes
        }
        defer { waiting.withLock { $0.written = .now } }
        let together = Self.outcome { () throws(Problem) in try write { db in for row in writes.flatMap(\.rows) { try row.write(db) } } }
        for one in writes {
            let isAlone = writes.count == 1
            let outcome =
                if case .failure = together, !isAlone {
                    Self.outcome { () throws(Problem) in try write { db in for row in one.rows { try row.write(db) } } }
                } else {
                    together
                }
            one.done.resume(returning: outcome)
        }
    }

    private static func outcome(_ body: () throws(Problem) -> Void) -> Result<Void, Problem> {
        do throws(Problem) {
            return .success(try body())
        } catch {
            return .failure(error)
        }
    }

    /// `entries(in:)` for callers on Swift's shared pool.
    func find(in phases: [String], limit: Int = 1_000) async throws(Problem) -> [OutboxEntry] {
        try await queue.run { () throws(Problem) in try self.entries(in: phases, limit: limit) }
    }

    /// The newest entries first, of one phase or of all.
    package func history(phase: String? = nil, limit: Int) throws(Problem) -> [OutboxEntry] {
        let condition = phase == nil ? "" : "WHERE phase = ?"
        let arguments = StatementArguments(phase.map { [$0] } ?? []) + [limit]
        return try read { db in try OutboxRow.fetch(db, "\(condition) ORDER BY sequence DESC LIMIT ?", arguments) }
    }

    /// `history` for callers on Swift's shared pool.
    func lately(phase: String?, limit: Int) async throws(Problem) -> [OutboxEntry] {
        try await queue.run { () throws(Problem) in try self.history(phase: phase, limit: limit) }
    }

    /// Forgets settled entries beyond the newest ones.
    package func prune(keeping kept: Int = OutboxStore.kept) throws(Problem) {
        try write { db in
            try db.execute(
                sql: """
                    DELETE FROM outbox WHERE phase IN ('paid', 'rejected') AND sequence <= (
                        SELECT sequence FROM outbox WHERE phase IN ('paid', 'rejected') ORDER BY sequence DESC LIMIT 1 OFFSET ?)
                    """, arguments: [kept])
        }
    }

    /// `prune` for callers on Swift's shared pool.
    func tidy() async throws(Problem) { try await queue.run { () throws(Problem) in try self.prune() } }

    /// `counts` for callers on Swift's shared pool.
    func tally() async throws(Problem) -> [String: Int] { try await queue.run { () throws(Problem) in try self.counts() } }

    /// SQLite's `synchronous` setting; 2 is FULL.
    package func synchronousMode() throws(Problem) -> Int? {
        try Self.checked { try database.inDatabase { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") } }
    }

    /// Without a transaction: GRDB's own `read` sets `PRAGMA query_only`, each change of which has SQLite compile every cached statement anew.
    private func read<Value>(_ body: (Database) throws -> Value) throws(Problem) -> Value { try Self.checked { try database.inDatabase(body) } }

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
