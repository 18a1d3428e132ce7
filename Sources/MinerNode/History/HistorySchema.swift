import GRDB

/// The tables of the history. Sums and counts rather than means, so that two steps can be added.
enum HistorySchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("history") { db in
            try db.execute(
                sql: """
                    CREATE TABLE device (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
                    CREATE TABLE sample (
                        step INTEGER NOT NULL, device INTEGER NOT NULL, start INTEGER NOT NULL,
                        operations REAL NOT NULL DEFAULT 0, busy REAL NOT NULL DEFAULT 0,
                        temperature REAL NOT NULL DEFAULT 0, temperatures INTEGER NOT NULL DEFAULT 0,
                        power REAL NOT NULL DEFAULT 0, powers INTEGER NOT NULL DEFAULT 0,
                        duty REAL NOT NULL DEFAULT 0, duties INTEGER NOT NULL DEFAULT 0,
                        PRIMARY KEY (step, device, start)) WITHOUT ROWID;
                    CREATE TABLE work (
                        step INTEGER NOT NULL, start INTEGER NOT NULL,
                        jobs INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0,
                        paid INTEGER NOT NULL DEFAULT 0, units INTEGER NOT NULL DEFAULT 0, earned INTEGER NOT NULL DEFAULT 0,
                        PRIMARY KEY (step, start)) WITHOUT ROWID;
                    CREATE TABLE event (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, name TEXT NOT NULL, reason TEXT, facts TEXT NOT NULL);
                    """)
        }
        return migrator
    }
}
