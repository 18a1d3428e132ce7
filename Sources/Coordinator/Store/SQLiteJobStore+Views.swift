import GRDB
import Jobs
import Signing
import Wire

extension SQLiteJobStore {
    static func write(_ view: WorkerView, of worker: Address, to db: Database) throws {
        let sql = "INSERT INTO view (worker, document) VALUES (?, ?) ON CONFLICT (worker) DO UPDATE SET document = excluded.document"
        try db.cachedStatement(sql: sql).execute(arguments: [worker.text, view.json.canonicalString])
    }

    func save(_ view: WorkerView, of worker: Address) throws(Problem) { try write { db in try Self.write(view, of: worker, to: db) } }

    func view(of worker: Address) throws(Problem) -> WorkerView? {
        let text = try read { db in try String.fetchOne(db, sql: "SELECT document FROM view WHERE worker = ?", arguments: [worker.text]) }
        return try text.map { (text) throws(Problem) in try WorkerView(json: try JSON.column(text)) }
    }
}
