import GRDB

/// A SQLite file that somebody else is writing to.
final class LockedFile {
    private let database: DatabaseQueue

    init(_ path: String) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        database = try DatabaseQueue(path: path, configuration: configuration)
        try database.inDatabase { db in try db.execute(sql: "BEGIN EXCLUSIVE") }
    }

    func release() throws { try database.inDatabase { db in try db.execute(sql: "ROLLBACK") } }
}
