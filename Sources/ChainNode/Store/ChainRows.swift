import Foundation
import GRDB
import Ledger
import Wire

/// How the ledger's values lie in the tables: canonical JSON beside the columns that are looked up.
enum ChainRows {
    /// The chain that the file belongs to, from its genesis document.
    static func chain(_ db: Database) throws -> ChainID {
        let sql = "SELECT json_extract(value, '$.chain_id') FROM identity WHERE key = 'genesis'"
        guard let text = try String.fetchOne(db, sql: sql) else { throw Problem(.ioFailed, "the store has no identity") }
        return try ChainID(text)
    }

    static func insert(_ block: Block, _ db: Database) throws {
        let statement = try db.cachedStatement(sql: "INSERT INTO blocks (height, hash, body) VALUES (?, ?, ?)")
        try statement.execute(arguments: [block.header.height, Data(block.hash.bytes), block.json.canonicalString])
    }

    static func insert(_ transaction: Transaction, _ outcome: TxOutcome, height: Int64, position: Int, _ db: Database) throws {
        let statement = try db.cachedStatement(sql: "INSERT INTO transactions (hash, height, position, body, error) VALUES (?, ?, ?, ?, ?)")
        try statement.execute(arguments: [
            Data(outcome.hash.bytes), height, position, transaction.json.canonicalString, outcome.code?.rawValue,
        ])
    }

    static func write(_ changes: [RecordChange], _ db: Database) throws {
        let put = try db.cachedStatement(
            sql: """
                INSERT INTO records (kind, name, value) VALUES (?, ?, ?)
                ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value
                """)
        let remove = try db.cachedStatement(sql: "DELETE FROM records WHERE kind = ? AND name = ?")
        for change in changes {
            if let record = change.record {
                try put.execute(arguments: [change.key.kind.rawValue, change.key.id, record.json.canonicalString])
            } else {
                try remove.execute(arguments: [change.key.kind.rawValue, change.key.id])
            }
        }
    }

    static func record(_ row: Row) throws -> RecordChange {
        let kind: String = row[0]
        let value: String = row[2]
        guard let kind = RecordKind(rawValue: kind) else { throw Problem(.ioFailed, "the store has a record of an unknown kind") }
        let key = RecordKey(kind, row[1])
        return RecordChange(key: key, record: try Record(key, JSON.parse(Array(value.utf8))))
    }
}
