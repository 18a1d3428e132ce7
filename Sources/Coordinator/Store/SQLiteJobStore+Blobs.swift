import Foundation
import GRDB
import Signing
import Wire

extension SQLiteJobStore {
    func blobBytes() throws(Problem) -> [Address: Int] {
        try read { db in
            var bytes: [Address: Int] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT owner, SUM(bytes) AS bytes FROM blob GROUP BY owner") {
                bytes[try Address(row["owner"])] = row["bytes"]
            }
            return bytes
        }
    }

    func saveBlob(_ blob: StoredBlob, now: Int64) throws(Problem) -> Bool {
        try write { db in
            try db.execute(
                sql: "INSERT INTO blob (root, bytes, owner, used) VALUES (?, ?, ?, ?) ON CONFLICT (root) DO NOTHING",
                arguments: [blob.root.hex, blob.bytes, blob.owner.text, now])
            if db.changesCount == 1 { return true }
            // An hour's precision is enough, and spares the disk a write for each call.
            try db.execute(sql: "UPDATE blob SET used = ? WHERE root = ? AND used < ?", arguments: [now, blob.root.hex, now - 3_600_000])
            return false
        }
    }

    func forgetBlob(_ root: Digest) throws(Problem) {
        try write { db in
            let sql = "DELETE FROM blob WHERE root = ? AND NOT EXISTS (SELECT 1 FROM small_blob WHERE small_blob.root = blob.root)"
            try db.execute(sql: sql, arguments: [root.hex])
        }
    }

    /// A row of the same root may be an upload's whose file never came: the bytes are kept in any case.
    static func write(_ blob: SmallBlob, now: Int64, to db: Database) throws {
        let sql = "INSERT INTO blob (root, bytes, owner, used) VALUES (?, ?, ?, ?) ON CONFLICT (root) DO UPDATE SET used = max(used, excluded.used)"
        try db.cachedStatement(sql: sql).execute(arguments: [blob.root.hex, blob.bytes.count, blob.owner.text, now])
        let data = "INSERT INTO small_blob (root, data) VALUES (?, ?) ON CONFLICT (root) DO NOTHING"
        try db.cachedStatement(sql: data).execute(arguments: [blob.root.hex, Data(blob.bytes)])
    }

    func smallBlob(_ root: Digest) throws(Problem) -> [UInt8]? {
        try read { db in
            try Data.fetchOne(db, sql: "SELECT data FROM small_blob WHERE root = ?", arguments: [root.hex]).map { Array($0) }
        }
    }

    func touchBlobs(_ roots: Set<Digest>, now: Int64) throws(Problem) {
        try write { db in
            let statement = try db.makeStatement(sql: "UPDATE blob SET used = ? WHERE root = ? AND used < ?")
            for root in roots { try statement.execute(arguments: [now, root.hex, now]) }
        }
    }

    func passBlobs(_ roots: [Digest], from owner: Address, to heir: Address) throws(Problem) -> Int {
        try write { db in
            var bytes = 0
            for root in roots {
                let sql = "UPDATE blob SET owner = ? WHERE root = ? AND owner = ? RETURNING bytes"
                bytes += try Int.fetchOne(db, sql: sql, arguments: [heir.text, root.hex, owner.text]) ?? 0
            }
            return bytes
        }
    }

    func expireBlobs(before time: Int64, limit: Int, remove: (Digest) throws(Problem) -> Void) throws(Problem) -> [StoredBlob] {
        try write { db in
            let rows = try Row.fetchAll(db, sql: "SELECT root, bytes, owner FROM blob WHERE used < ? ORDER BY used LIMIT ?", arguments: [time, limit])
            return try rows.map { row in
                guard let root = Digest(hex: row["root"]) else { throw Problem(.ioFailed, "a stored root is damaged") }
                try remove(root)
                try db.execute(sql: "DELETE FROM blob WHERE root = ?", arguments: [root.hex])
                try db.execute(sql: "DELETE FROM small_blob WHERE root = ?", arguments: [root.hex])
                return StoredBlob(root: root, bytes: row["bytes"], owner: try Address(row["owner"]))
            }
        }
    }
}
