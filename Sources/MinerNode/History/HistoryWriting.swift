import GRDB
import Wire

/// How an entry lies in the tables: every level gets its share at once.
enum HistoryWriting {
    static func put(_ entry: HistoryEntry, _ db: Database) throws {
        switch entry {
        case .sample(let sample, let time): try put(sample, time, db)
        case .computed(let device, let operations, let seconds, let time): try spread(device, operations, seconds, time, db)
        case .work(let work, let time): try add(work, time, db)
        case .event(let name, let reason, let facts, let time):
            let sql = "INSERT INTO event (time, name, reason, facts) VALUES (?, ?, ?, ?)"
            try db.cachedStatement(sql: sql).execute(arguments: [time, text(name, 64), reason.map { text($0, 64) }, bounded(facts)])
        }
    }

    static func prune(_ db: Database, now: Int64) throws {
        for (table, levels) in [("sample", HistoryLevel.samples), ("work", HistoryLevel.work)] {
            for level in levels {
                let (old, future) = (now - level.kept, now + 2 * level.step)
                // By device, so that the primary key finds the rows.
                let devices = table == "sample" ? "AND device IN (SELECT id FROM device)" : ""
                try db.cachedStatement(sql: "DELETE FROM \(table) WHERE step = ? \(devices) AND (start < ? OR start > ?)")
                    .execute(arguments: [level.step, old, future])
            }
        }
        try db.execute(sql: "DELETE FROM device WHERE id NOT IN (SELECT DISTINCT device FROM sample)")
        let oldest = "SELECT id FROM event ORDER BY id DESC LIMIT 1 OFFSET ?"
        try db.cachedStatement(sql: "DELETE FROM event WHERE id <= (\(oldest))").execute(arguments: [HistoryLevel.events])
    }

    private static func put(_ sample: DeviceSample, _ time: Int64, _ db: Database) throws {
        guard let device = try device(sample.device, db) else { return }
        // What is not a number, or no physical value, is a sensor's fault and no reading.
        let values = [sample.temperature, sample.power, sample.duty].map { value in value.flatMap { $0.isFinite && abs($0) < 1e6 ? $0 : nil } }
        let sql = """
            INSERT INTO sample (step, device, start, temperature, temperatures, power, powers, duty, duties) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET temperature = temperature + excluded.temperature, temperatures = temperatures + excluded.temperatures,
                power = power + excluded.power, powers = powers + excluded.powers, duty = duty + excluded.duty, duties = duties + excluded.duties
            """
        let statement = try db.cachedStatement(sql: sql)
        for level in HistoryLevel.samples {
            var arguments: StatementArguments = [level.step, device, start(time, level.step)]
            for value in values { arguments += [value ?? 0, value == nil ? 0 : 1] }
            try statement.execute(arguments: arguments)
        }
    }

    /// A computation belongs to all the steps it lasted over, in proportion: a job of an hour is no peak at its end.
    private static func spread(_ name: String, _ operations: Double, _ seconds: Double, _ time: Int64, _ db: Database) throws {
        guard let device = try device(name, db), operations.isFinite, operations >= 0, seconds.isFinite, seconds >= 0 else { return }
        let sql = """
            INSERT INTO sample (step, device, start, operations, busy) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET operations = operations + excluded.operations, busy = busy + excluded.busy
            """
        let statement = try db.cachedStatement(sql: sql)
        let end = Double(time)
        // Of something that took longer than a day, its last day.
        let length = min(seconds, Double(HistoryLevel.day))
        let begin = end - length
        for level in HistoryLevel.samples {
            var first = start(Int64(begin.rounded(.down)), level.step)
            let last = start(time, level.step)
            while first <= last {
                let (low, high) = (max(begin, Double(first)), min(end, Double(first + level.step)))
                let share = length > 0 ? max(0, high - low) / length : first == last ? 1 : 0
                if share > 0 { try statement.execute(arguments: [level.step, device, first, operations * share, length * share]) }
                first += level.step
            }
        }
    }

    private static func add(_ work: HistoryWork, _ time: Int64, _ db: Database) throws {
        let sql = """
            INSERT INTO work (step, start, jobs, failed, rejected, paid, units, earned) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs, failed = failed + excluded.failed, rejected = rejected + excluded.rejected,
                paid = paid + excluded.paid, units = units + excluded.units, earned = earned + excluded.earned
            """
        for level in HistoryLevel.work {
            try db.cachedStatement(sql: sql).execute(arguments: [
                level.step, start(time, level.step), work.jobs, work.failed, work.rejected, work.paid, work.units, work.earned,
            ])
        }
    }

    /// The number of a device; nil where there are too many.
    private static func device(_ name: String, _ db: Database) throws -> Int64? {
        let name = text(name, 64)
        if let known = try Int64.fetchOne(db.cachedStatement(sql: "SELECT id FROM device WHERE name = ?"), arguments: [name]) { return known }
        guard try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM device") ?? 0 < HistoryLevel.devices else { return nil }
        try db.cachedStatement(sql: "INSERT INTO device (name) VALUES (?)").execute(arguments: [name])
        return db.lastInsertedRowID
    }

    /// The step that a time is in.
    static func start(_ time: Int64, _ step: Int64) -> Int64 { time - ((time % step) + step) % step }

    private static func text(_ text: String, _ bytes: Int) -> String {
        text.utf8.count <= bytes ? text : String(decoding: text.utf8.prefix(bytes), as: UTF8.self)
    }

    /// The facts as JSON, without the longest texts where they would be too long.
    private static func bounded(_ facts: JSON) -> String {
        let whole = facts.canonicalString
        guard whole.utf8.count > 1_000, case .object(let object) = facts else { return whole.utf8.count > 1_000 ? "{}" : whole }
        let short = object.members.prefix(16).map { member -> (String, JSON) in
            guard case .string(let text) = member.value else { return (member.key, member.value) }
            return (member.key, .string(Self.text(text, 160)))
        }
        let cut = JSON.object(JSONObject(distinct: short)).canonicalString
        return cut.utf8.count <= 4_000 ? cut : "{}"
    }
}
