import Foundation
import GRDB
import Signing
import Synchronization
package import Wire

/// What the miner was, over two years, in a database file of its own: losing it loses nothing that is owed.
///
/// A file that is torn is put aside and another one begun; where none can be written, the history lives in memory until the miner ends.
/// Bounded: about 3 MB a device and 5 MB for the rest.
package final class HistoryStore: Sendable {
    private struct State {
        /// nil where not even memory could be had for one.
        var database: DatabaseQueue?
        var notes: [String] = []
    }

    private let state: Mutex<State>
    private let path: String

    /// Opens or makes the file. Doesn't fail: what went wrong is among the `notes`.
    ///
    /// - Parameter now: Unix seconds, for the name of a file that is put aside.
    package init(path: String, now: Int64) {
        self.path = path
        let (database, notes) = Self.open(path, now)
        state = Mutex(State(database: database, notes: notes))
    }

    /// What there is to say about the file; each is said once.
    package func takeNotes() -> [String] {
        state.withLock { state in
            defer { state.notes = [] }
            return state.notes
        }
    }

    /// Writes all of these in one transaction. A file that turns out to be torn is put aside, and the entries go into the next one.
    ///
    /// - Throws: `io_failed` where the disk takes nothing.
    package func append(_ entries: [HistoryEntry], now: Int64) throws(Problem) {
        guard !entries.isEmpty else { return }
        let write = { (db: Database) throws in for entry in entries { try HistoryWriting.put(entry, db) } }
        do {
            try current().write(write)
        } catch {
            guard Self.isTorn(error) else { throw Self.problem(error) }
            renew(now)
            do { try current().write(write) } catch { throw Self.problem(error) }
        }
    }

    /// Forgets what is older than its level keeps, and what a clock that was ahead has left in the future.
    package func prune(now: Int64) throws(Problem) {
        do {
            try current().write { db in try HistoryWriting.prune(db, now: now) }
        } catch {
            throw Self.problem(error)
        }
    }

    /// - Throws: `io_failed` if the file can't be read.
    func read<Value>(_ body: (Database) throws -> Value) throws(Problem) -> Value {
        do {
            return try current().read(body)
        } catch {
            throw Self.problem(error)
        }
    }

    private func current() throws -> DatabaseQueue {
        guard let database = state.withLock({ $0.database }) else { throw Problem(.ioFailed, "the history: there is no place to keep it") }
        return database
    }

    private func renew(_ now: Int64) {
        // The old one is closed when its last user is done; its files keep their names until then, and then have other ones.
        let (database, notes) = Self.open(path, now, isTorn: true)
        state.withLock { state in
            state.database = database
            state.notes += notes
        }
    }

    // MARK: opening

    private static func open(_ path: String, _ now: Int64, isTorn known: Bool = false) -> (DatabaseQueue?, [String]) {
        var notes: [String] = []
        var isTorn = known
        do {
            if !isTorn { return (try file(path), []) }
        } catch {
            isTorn = Self.isTorn(error)
            if !isTorn { notes.append("the history can't be kept in \(path): \(Self.problem(error).detail)") }
        }
        if isTorn {
            do {
                let aside = try putAside(path, now)
                let database = try file(path)
                return (database, ["the history's file was damaged; it is kept as \(aside), and a new history begins"])
            } catch {
                notes.append("the history's file is damaged and can't be replaced: \(Self.problem(error).detail)")
            }
        }
        notes.append("the history is kept in memory, until the miner ends")
        return (memory(), notes)
    }

    private static func file(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        // Nobody else writes here; what waits in memory can wait a little longer.
        configuration.busyMode = .timeout(0.25)
        // With GRDB's `synchronous=NORMAL` a power cut may lose the last seconds, which is less than what waits in memory.
        configuration.journalMode = .wal
        StoreFile.make(path)
        let database = try DatabaseQueue(path: path, configuration: configuration)
        let verdict = try database.read { db in try String.fetchOne(db, sql: "PRAGMA quick_check(1)") }
        guard verdict == "ok" else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict) }
        try HistorySchema.migrator.migrate(database)
        return database
    }

    private static func memory() -> DatabaseQueue? {
        guard let database = try? DatabaseQueue(), (try? HistorySchema.migrator.migrate(database)) != nil else { return nil }
        return database
    }

    /// Renames the file with its log; of those put aside before, the newest two are kept.
    private static func putAside(_ path: String, _ now: Int64) throws -> String {
        let files = FileManager.default
        let (folder, name) = (URL(filePath: path).deletingLastPathComponent(), URL(filePath: path).lastPathComponent)
        let old = try files.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("\(name).torn-") }.sorted()
        for stray in old.dropLast(1) { try? files.removeItem(at: folder.appending(path: stray)) }
        var aside = "\(path).torn-\(now)"
        var count = 1
        while files.fileExists(atPath: aside) {
            count += 1
            aside = "\(path).torn-\(now)-\(count)"
        }
        try files.moveItem(atPath: path, toPath: aside)
        // Without its file the log is of no use, and would be taken for the next file's.
        for tail in ["-wal", "-shm"] { try? files.removeItem(atPath: path + tail) }
        return aside
    }

    private static func isTorn(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        // SQLITE_ERROR: a table is missing that the migrations say is there.
        return [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_FORMAT].contains(error.resultCode)
    }

    private static func problem(_ error: any Error) -> Problem {
        if let problem = error as? Problem { return problem }
        if let error = error as? DatabaseError { return Problem(.ioFailed, "the history: \(error.message ?? "SQLite's error \(error.resultCode.rawValue)")") }
        return Problem(.ioFailed, "the history: \(error)")
    }
}
