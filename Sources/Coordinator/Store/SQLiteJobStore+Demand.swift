import GRDB
import Jobs
import Wire

extension SQLiteJobStore {
    /// Adds to an hour's sum; the first line of an hour clears away those that nobody asks for any more.
    static func write(_ line: DemandLine, to db: Database) throws {
        let sql = """
            INSERT INTO demand (hour, kernel, jobs, units, paid) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (hour, kernel) DO UPDATE SET jobs = jobs + excluded.jobs, units = min(units + excluded.units, 9007199254740991),
                paid = min(paid + excluded.paid, 9007199254740991)
            """
        try db.cachedStatement(sql: sql).execute(arguments: [line.hour, line.kernel, line.sum.jobs, line.sum.units, line.sum.paid])
        // Two days: a clock that is set back by less loses nothing.
        try db.cachedStatement(sql: "DELETE FROM demand WHERE hour < ?").execute(arguments: [line.hour - 2 * Int64(NetworkDemand.hours)])
    }

    func demand(since hour: Int64) throws(Problem) -> [DemandLine] {
        try read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM demand WHERE hour >= ?", arguments: [hour]).map { row in
                DemandLine(hour: row["hour"], kernel: row["kernel"], sum: NetworkDemand.Sum(jobs: row["jobs"], units: row["units"], paid: row["paid"]))
            }
        }
    }

    /// Files of earlier versions tell when a job was ordered; what was ordered and accepted within the last day is close to what was accepted in it.
    static func makeDemand(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE demand (
                    hour INTEGER NOT NULL, kernel TEXT NOT NULL, jobs INTEGER NOT NULL, units INTEGER NOT NULL, paid INTEGER NOT NULL,
                    PRIMARY KEY (hour, kernel)) WITHOUT ROWID;
                INSERT INTO demand
                    SELECT created / 3600000 AS hour, json_extract(spec, '$.type') AS kernel, COUNT(*),
                        CAST(min(TOTAL(json_extract(quote, '$.compute_units')), 9007199254740991) AS INTEGER),
                        CAST(min(TOTAL(json_extract(quote, '$.price')), 9007199254740991) AS INTEGER)
                    FROM job WHERE phase = 'completed' AND created > (CAST(strftime('%s', 'now') AS INTEGER) - 86400) * 1000 GROUP BY 1, 2;
                """)
    }
}
