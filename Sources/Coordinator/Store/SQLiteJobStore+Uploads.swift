import GRDB
import Signing
import Wire

extension SQLiteJobStore {
    func uploads() throws(Problem) -> [StoredUpload] {
        try read { db in try Row.fetchAll(db, sql: "SELECT * FROM upload").map { try Self.upload($0) } }
    }

    func uploads(of owner: Address) throws(Problem) -> Int {
        try read { db in try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM upload WHERE owner = ?", arguments: [owner.text]) ?? 0 }
    }

    func upload(_ key: UploadKey) throws(Problem) -> StoredUpload? {
        try read { db in
            let sql = "SELECT * FROM upload WHERE root = ? AND owner = ?"
            return try Row.fetchOne(db, sql: sql, arguments: [key.root.hex, key.owner.text]).map { try Self.upload($0) }
        }
    }

    func save(_ upload: StoredUpload) throws(Problem) {
        try write { db in
            try db.execute(
                sql: """
                    INSERT INTO upload (root, owner, bytes, used) VALUES (?, ?, ?, ?)
                    ON CONFLICT (root, owner) DO UPDATE SET bytes = excluded.bytes, used = excluded.used
                    """,
                arguments: [upload.key.root.hex, upload.key.owner.text, upload.bytes, upload.used])
        }
    }

    func touchUpload(_ key: UploadKey, now: Int64) throws(Problem) {
        // Pieces may be small: not every one is worth a write.
        let upload = try upload(key)
        guard let upload, upload.used < now - 600_000 else { return }
        try save(StoredUpload(key: key, bytes: upload.bytes, used: now))
    }

    func removeUpload(_ key: UploadKey) throws(Problem) {
        try write { db in try db.execute(sql: "DELETE FROM upload WHERE root = ? AND owner = ?", arguments: [key.root.hex, key.owner.text]) }
    }

    private static func upload(_ row: Row) throws -> StoredUpload {
        guard let root = Digest(hex: row["root"]) else { throw Problem(.ioFailed, "a stored root is damaged") }
        return StoredUpload(key: UploadKey(root: root, owner: try Address(row["owner"])), bytes: row["bytes"], used: row["used"])
    }
}
