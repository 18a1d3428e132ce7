import Foundation
import GRDB
import Ledger
import Wire

/// A block as it lies in the store, with the columns that repeat what it says.
struct StoredBlock: Sendable {
    struct Body: Sendable {
        let transaction: Transaction
        let hash: Digest?
        let error: String?
    }

    let block: Block
    let hash: Digest?
    let bodies: [Body]
}

// What only a check of the whole store asks for.
extension SQLiteChainStore {
    /// SQLite's own check of its pages and indexes.
    ///
    /// - Throws: `io_failed` with what it found first.
    func checkFile() async throws(Problem) {
        let found = try await reading { db in try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "nothing" }
        guard found == "ok" else { throw Problem(.ioFailed, "SQLite finds the file damaged: \(found)") }
    }

    /// The block of a height with its bodies; nil where there is none.
    func stored(height: Int64) async throws(Problem) -> StoredBlock? {
        try await reading { db in
            guard let row = try Row.fetchOne(db, sql: "SELECT hash, body FROM blocks WHERE height = ?", arguments: [height]) else { return nil }
            let text: String = row[1]
            let sql = "SELECT hash, body, error FROM transactions WHERE height = ? ORDER BY position"
            let bodies = try Row.fetchAll(db, sql: sql, arguments: [height]).map { row in
                let body: String = row[1]
                return StoredBlock.Body(transaction: try Transaction(JSON.parse(Array(body.utf8))), hash: Self.digest(row[0]), error: row[2])
            }
            return StoredBlock(block: try Block(JSON.parse(Array(text.utf8)), chain: ChainRows.chain(db)), hash: Self.digest(row[0]), bodies: bodies)
        }
    }

    /// How many blocks and transactions there are, wherever they lie.
    func rowCounts() async throws(Problem) -> (blocks: Int, transactions: Int) {
        try await reading { db in
            (try Int.fetchOne(db, sql: "SELECT count(*) FROM blocks") ?? 0, try Int.fetchOne(db, sql: "SELECT count(*) FROM transactions") ?? 0)
        }
    }

    private static func digest(_ data: Data) -> Digest? { Digest(hex: Hex.encode(Array(data))) }
}
