import GRDB
import Wire

/// The tables of a chain's SQLite file.
enum ChainSchema {
    /// Kept in SQLite's `user_version`; a file of another version is refused.
    static let version = 2

    /// Makes the tables of a fresh file, and asks for a flush at every commit.
    ///
    /// GRDB sets `synchronous=NORMAL` when it opens a file in WAL mode, so it is set here, after that; only the writing
    /// connection matters.
    static func prepare(_ pool: DatabasePool) throws {
        try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
        try pool.write { db in
            let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            if found == version { return }
            if found == 0, try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0 {
                try db.execute(sql: tables)
            } else if found != 1 {
                throw Problem(.ioFailed, "the file is not a chain store of version \(version)")
            }
            try db.execute(sql: secondVersion)
            try db.execute(sql: "PRAGMA user_version = \(version)")
        }
    }

    /// Throws `io_failed` unless the file has this version.
    static func checkVersion(_ db: Database) throws {
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard found == version else {
            throw Problem(.ioFailed, "the file is not a chain store of version \(version)\(found == 1 ? ": run the node on it once" : "")")
        }
    }

    private static let tables = """
        CREATE TABLE identity (key TEXT NOT NULL UNIQUE, value TEXT NOT NULL) STRICT;
        CREATE TABLE blocks (height INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;
        CREATE TABLE transactions (
            id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, height INTEGER NOT NULL REFERENCES blocks (height),
            position INTEGER NOT NULL, body TEXT NOT NULL, error TEXT,
            UNIQUE (height, position)
        ) STRICT;
        CREATE TABLE records (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (kind, name)) STRICT;
        CREATE TABLE signing_mark (id INTEGER PRIMARY KEY CHECK (id = 1), height INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
        """

    /// The escrows that hold money, by coordinator; what waited in the mempool; peers.
    private static let secondVersion = """
        CREATE INDEX escrows_with_money ON records (json_extract(value, '$.coordinator_pubkey'), name)
            WHERE kind = 'escrow' AND json_extract(value, '$.status') IN ('open', 'closing');
        CREATE TABLE waiting (id INTEGER PRIMARY KEY, entered INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
        CREATE TABLE peers (id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, node_id TEXT NOT NULL) STRICT;
        """
}
