import GRDB

/// A store's file in other hands: any SQL, past the node.
struct TamperedFile {
    private let queue: DatabaseQueue

    init(_ path: String) throws { queue = try DatabaseQueue(path: path) }

    func run(_ sql: String) throws { try queue.write { try $0.execute(sql: sql) } }
}
