import Foundation
import GRDB
package import Ledger
import Signing
package import Wire

/// The embedded chain store: one SQLite file in WAL mode with `synchronous=FULL`, owned by one process.
///
/// Tables have integer row ids and unique indexes on hashes: a random hash as the key of a table without row ids was
/// measured at half the rate of inserts. Writes run on GRDB's own queue, never on Swift's shared pool.
package final class SQLiteChainStore: ChainStore {
    private let pool: DatabasePool
    private let lock: StoreLock?

    /// Opens or makes the file and its folder.
    ///
    /// - Throws: `unavailable` when another node uses it, `io_failed` when it can't be opened or isn't a store of this version.
    package init(path: String) throws(Problem) {
        do {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw Problem(.ioFailed, "the folder of \(path) can't be made: \(error)")
        }
        lock = try StoreLock(path: path + ".lock")
        do {
            var configuration = Configuration()
            configuration.maximumReaderCount = 4
            configuration.busyMode = .timeout(5)
            StoreFile.make(path)
            pool = try DatabasePool(path: path, configuration: configuration)
            try ChainSchema.prepare(pool)
        } catch {
            throw Self.problem(error)
        }
    }

    /// Opens an existing file to read it alone; nothing in it is changed.
    ///
    /// - Throws: `unavailable` while a node uses it, `not_found`, or `io_failed` when it isn't a store of this version.
    package init(reading path: String) throws(Problem) {
        guard FileManager.default.fileExists(atPath: path) else { throw Problem(.notFound, "there is no \(path)") }
        let lockPath = path + ".lock"
        lock = FileManager.default.fileExists(atPath: lockPath) ? try StoreLock(path: lockPath) : nil
        do {
            var configuration = Configuration()
            configuration.readonly = true
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.read { db in try ChainSchema.checkVersion(db) }
        } catch {
            throw Self.problem(error)
        }
    }

    package func identity() async throws(Problem) -> StoreIdentity? {
        try await reading { db in
            guard let genesis = try String.fetchOne(db, sql: "SELECT value FROM identity WHERE key = 'genesis'"),
                let nodeID = try String.fetchOne(db, sql: "SELECT value FROM identity WHERE key = 'node_id'")
            else { return nil }
            return StoreIdentity(genesis: genesis, nodeID: nodeID)
        }
    }

    package func create(_ identity: StoreIdentity, genesis: Block, records: [RecordChange]) async throws(Problem) {
        try await writing { db in
            guard try Int64.fetchOne(db, sql: "SELECT max(height) FROM blocks") == nil else {
                throw Problem(.badBlock, "the store belongs to a chain already")
            }
            for (key, value) in [("genesis", identity.genesis), ("node_id", identity.nodeID)] {
                try db.execute(sql: "INSERT INTO identity (key, value) VALUES (?, ?)", arguments: [key, value])
            }
            try ChainRows.insert(genesis, db)
            try ChainRows.write(records, db)
        }
    }

    package func append(_ applied: AppliedBlock, transactions: [Transaction]) async throws(Problem) {
        try await writing { db in
            guard let top = try Int64.fetchOne(db, sql: "SELECT max(height) FROM blocks"), applied.block.header.height == top + 1 else {
                throw Problem(.wrongHeight, "block \(applied.block.header.height) does not follow the store's head")
            }
            guard transactions.count == applied.outcomes.count else { throw Problem(.badBlock, "a block without its bodies") }
            try ChainRows.insert(applied.block, db)
            for (position, outcome) in applied.outcomes.enumerated() {
                try ChainRows.insert(transactions[position], outcome, height: applied.block.header.height, position: position, db)
            }
            try ChainRows.write(applied.changes, db)
        }
    }

    package func head() async throws(Problem) -> Block? {
        try await block("ORDER BY height DESC LIMIT 1", [])
    }

    package func block(height: Int64) async throws(Problem) -> Block? {
        try await block("WHERE height = ?", [height])
    }

    package func block(hash: Digest) async throws(Problem) -> Block? {
        try await block("WHERE hash = ?", [Data(hash.bytes)])
    }

    private func block(_ clause: String, _ arguments: StatementArguments) async throws(Problem) -> Block? {
        try await reading { db in
            guard let body = try String.fetchOne(db, sql: "SELECT body FROM blocks \(clause)", arguments: arguments) else { return nil }
            return try Block(JSON.parse(Array(body.utf8)), chain: ChainRows.chain(db))
        }
    }

    package func records() async throws(Problem) -> [RecordChange] {
        try await reading { db in
            var records: [RecordChange] = []
            let rows = try Row.fetchCursor(db, sql: "SELECT kind, name, value FROM records")
            while let row = try rows.next() { records.append(try ChainRows.record(row)) }
            return records
        }
    }

    package func transactions(height: Int64) async throws(Problem) -> [Transaction] {
        try await reading { db in
            try String.fetchAll(db, sql: "SELECT body FROM transactions WHERE height = ? ORDER BY position", arguments: [height])
                .map { try Transaction(JSON.parse(Array($0.utf8))) }
        }
    }

    package func transaction(hash: Digest) async throws(Problem) -> StoredTransaction? {
        try await reading { db in
            let sql = "SELECT body, height, error FROM transactions WHERE hash = ?"
            guard let row = try Row.fetchOne(db, sql: sql, arguments: [Data(hash.bytes)]) else { return nil }
            let body: String = row[0]
            return StoredTransaction(transaction: try Transaction(JSON.parse(Array(body.utf8))), height: row[1], error: row[2])
        }
    }

    package func outcomes(of hashes: [Digest]) async throws(Problem) -> [Digest: StoredOutcome] {
        try await reading { db in
            let statement = try db.cachedStatement(sql: "SELECT height, error FROM transactions WHERE hash = ?")
            var outcomes: [Digest: StoredOutcome] = [:]
            for hash in hashes {
                guard let row = try Row.fetchOne(statement, arguments: [Data(hash.bytes)]) else { continue }
                outcomes[hash] = StoredOutcome(height: row[0], error: row[1])
            }
            return outcomes
        }
    }

    package func signingMark() async throws(Problem) -> SigningMark? {
        try await reading { db in
            guard let body = try String.fetchOne(db, sql: "SELECT body FROM signing_mark") else { return nil }
            return try SigningMark(JSON.parse(Array(body.utf8)))
        }
    }

    package func setSigningMark(_ mark: SigningMark) async throws(Problem) {
        try await writing { db in
            if let last = try Int64.fetchOne(db, sql: "SELECT height FROM signing_mark"), last >= mark.height {
                throw Problem(.wrongHeight, "a block of height \(last) was signed before; \(mark.height) is not above it")
            }
            try db.execute(
                sql: "INSERT OR REPLACE INTO signing_mark (id, height, body) VALUES (1, ?, ?)",
                arguments: [mark.height, mark.json.canonicalString])
        }
    }

    func reading<Value: Sendable>(_ body: @Sendable @escaping (Database) throws -> Value) async throws(Problem) -> Value {
        do { return try await pool.read(body) } catch { throw Self.problem(error) }
    }

    func writing(_ body: @Sendable @escaping (Database) throws -> Void) async throws(Problem) {
        do { try await pool.write(body) } catch { throw Self.problem(error) }
    }

    private static func problem(_ error: any Error) -> Problem {
        switch error {
        case let problem as Problem: problem
        case is CancellationError: Problem(.unavailable, "the node is stopping")
        default: Problem(.ioFailed, "the chain's database failed: \(error)")
        }
    }
}

extension SQLiteChainStore {
    /// SQLite's own word on the writing connection: `journal_mode` and `synchronous` (2 is FULL).
    package func durability() throws -> [String] {
        try pool.writeWithoutTransaction { db in
            try ["journal_mode", "synchronous"].map { try String.fetchOne(db, sql: "PRAGMA \($0)") ?? "" }
        }
    }
}
