import GRDB
package import Wire

extension HistoryStore {
    /// The longest stretch that is kept, in hours.
    package static let longestHours: Int64 = 730 * 24

    /// The last hours, in the finest steps that still are at most 400 points.
    ///
    /// - Throws: `io_failed` if the file can't be read.
    package func report(hours: Int64, now: Int64) throws(Problem) -> HistoryReport {
        let span = min(max(1, hours), Self.longestHours) * 3600
        let (from, sampleLevel, workLevel) = (max(0, now - span), Self.level(HistoryLevel.samples, span), Self.level(HistoryLevel.work, span))
        return try read { db in
            HistoryReport(
                from: from, to: now, deviceStep: sampleLevel.width, workStep: workLevel.width,
                devices: try Self.devices(db, from, sampleLevel.step, sampleLevel.width), work: try Self.work(db, from, workLevel.step, workLevel.width),
                lastHour: try Self.sum(db, since: now - 3600), lastDay: try Self.sum(db, since: now - 86_400))
        }
    }

    /// The newest events first.
    ///
    /// - Parameter before: only those with a smaller id.
    package func events(limit: Int, before: Int64? = nil) throws(Problem) -> [HistoryEvent] {
        try read { db in
            let sql = "SELECT id, time, name, reason, facts FROM event WHERE id < ? ORDER BY id DESC LIMIT ?"
            return try Row.fetchAll(db, sql: sql, arguments: [before ?? .max, limit]).map { row in
                let facts = Cell.text(row, 4).flatMap { try? JSON.parse($0, reals: true) }
                return HistoryEvent(
                    id: Cell.integer(row, 0), atMilliseconds: Cell.integer(row, 1), name: Cell.text(row, 2) ?? "?", reason: Cell.text(row, 3),
                    facts: facts ?? [:])
            }
        }
    }

    /// The finest level that still has the whole stretch, and the width of its steps that makes it few enough points.
    private static func level(_ levels: [(step: Int64, kept: Int64)], _ span: Int64) -> (step: Int64, width: Int64) {
        let level = levels.first { $0.kept >= span && $0.step * HistoryLevel.points * 12 >= span } ?? levels.last ?? (3600, span)
        let steps = (span + level.step - 1) / level.step
        let group = HistoryLevel.groups.first { steps <= $0 * HistoryLevel.points } ?? steps / HistoryLevel.points + 1
        return (level.step, level.step * group)
    }

    private static func devices(_ db: Database, _ from: Int64, _ step: Int64, _ width: Int64) throws -> [HistoryReport.Device] {
        let sql = """
            SELECT start / ?1 * ?1, SUM(operations), SUM(busy), SUM(temperature), SUM(temperatures), SUM(power), SUM(powers), SUM(duty), SUM(duties)
            FROM sample WHERE step = ?2 AND device = ?3 AND start >= ?4 GROUP BY 1 ORDER BY 1
            """
        return try Row.fetchAll(db, sql: "SELECT id, name FROM device ORDER BY name LIMIT ?", arguments: [HistoryLevel.devices]).map { device in
            let arguments: StatementArguments = [width, step, Cell.integer(device, 0), from]
            let points = try Row.fetchAll(db.cachedStatement(sql: sql), arguments: arguments).map { row in
                HistoryReport.DevicePoint(
                    start: Cell.integer(row, 0), rate: Cell.real(row, 1) / Double(width), busy: min(1, Cell.real(row, 2) / Double(width)),
                    temperature: Cell.mean(row, 3), power: Cell.mean(row, 5), duty: Cell.mean(row, 7))
            }
            return HistoryReport.Device(name: Cell.text(device, 1) ?? "?", points: points)
        }
    }

    /// TOTAL, because SUM fails where integers overflow.
    private static let workSums = "TOTAL(jobs), TOTAL(failed), TOTAL(rejected), TOTAL(paid), TOTAL(units), TOTAL(earned)"

    private static func work(_ db: Database, _ from: Int64, _ step: Int64, _ width: Int64) throws -> [HistoryReport.WorkPoint] {
        let sql = "SELECT \(workSums), start / ?1 * ?1 AS begin FROM work WHERE step = ?2 AND start >= ?3 GROUP BY begin ORDER BY begin"
        return try Row.fetchAll(db.cachedStatement(sql: sql), arguments: [width, step, from]).map { row in
            HistoryReport.WorkPoint(start: Cell.integer(row, 6), work: HistoryWork(row))
        }
    }

    /// By the finest level.
    private static func sum(_ db: Database, since: Int64) throws -> HistoryWork {
        let arguments: StatementArguments = [HistoryLevel.work[0].step, since]
        let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT \(workSums) FROM work WHERE step = ? AND start > ?"), arguments: arguments)
        return row.map(HistoryWork.init) ?? HistoryWork()
    }
}

extension HistoryWork {
    fileprivate init(_ row: Row) {
        (jobs, failed, rejected) = (Cell.count(row, 0), Cell.count(row, 1), Cell.count(row, 2))
        (paid, units, earned) = (Cell.count(row, 3), Cell.count(row, 4), Cell.count(row, 5))
    }
}

/// Cells of a row, of any kind. GRDB's own subscript traps where a cell is of another kind, and a file comes from outside.
private enum Cell {
    static func integer(_ row: Row, _ index: Int) -> Int64 { Int64.fromDatabaseValue(row[index]) ?? 0 }
    /// At most what JSON carries exactly.
    static func count(_ row: Row, _ index: Int) -> Int64 { Int64(min(max(0, real(row, index)), Double(JSON.maxInteger))) }
    static func text(_ row: Row, _ index: Int) -> String? { String.fromDatabaseValue(row[index]) }

    static func real(_ row: Row, _ index: Int) -> Double {
        guard let value = Double.fromDatabaseValue(row[index]), value.isFinite else { return 0 }
        return value
    }

    /// A sum over its count, which is the next cell.
    static func mean(_ row: Row, _ index: Int) -> Double? {
        let count = integer(row, index + 1)
        return count > 0 ? real(row, index) / Double(count) : nil
    }
}
