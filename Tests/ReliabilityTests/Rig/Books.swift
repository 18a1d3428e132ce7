import Foundation
import GRDB
import Wire

/// What a town's files say once it has stopped, read by the rig itself.
struct Books: Sendable {
    /// Balances by role; fees went to the proposer.
    let balances: [String: Int64]
    /// Output hashes by job id.
    let receipts: [String: String]
    /// Claims in blocks, with or without effect.
    let claims: Int
    /// Codes of transactions that are in a block without effect.
    let failures: [String]
    let escrows: [String: Int]
    let blocks: Int
    /// The outbox: entries by phase.
    let outbox: [String: Int]

    /// How many entries of the outbox are paid, in a town that runs.
    static func paid(_ town: Town) throws -> Int {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(2)
        let miner = try DatabaseQueue(path: town.data(.miner) + "/miner.db", configuration: configuration)
        return try miner.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM outbox WHERE phase = 'paid'") ?? 0 }
    }

    /// Reads the stores. Throws where the chain's money is not what genesis, mint and burn give, or a job was paid twice.
    init(_ town: Town) throws {
        let chain = try DatabaseQueue(path: town.data(.node) + "/chain.db")
        let miner = try DatabaseQueue(path: town.data(.miner) + "/miner.db")
        var names: [String: String] = [:]
        for role in ["client", "miner", "coordinator", "proposer"] {
            let file = try JSON.parse(Array(try Data(contentsOf: URL(filePath: "\(town.folder)/keys/\(role).key"))).filter { $0 != 0x0A })
            names[file["address"]?.stringValue ?? ""] = role
        }
        var balances: [String: Int64] = [:]
        var receipts: [String: String] = [:]
        var escrows: [String: Int] = [:]
        var (held, minted, burned): (Int64, Int64, Int64) = (0, 0, 0)
        let rows = try chain.read { db in
            try Row.fetchAll(db, sql: "SELECT kind, name, value FROM records").map { (row: Row) -> [String] in [row[0], row[1], row[2]] }
        }
        for row in rows {
            let value = try JSON.parse(Array(row[2].utf8))
            switch row[0] {
            case "account":
                let balance = value["balance"]?.integerValue ?? 0
                held += balance + (value["staked"]?.integerValue ?? 0)
                // Keyless accounts hold what is counted elsewhere, or nothing.
                if let role = names[row[1]] { balances[role] = balance }
            case "escrow":
                let status = value["status"]?.stringValue ?? "?"
                escrows[status, default: 0] += 1
                if status == "open" || status == "closing" { held += value["price"]?.integerValue ?? 0 }
            case "receipt":
                let job = value["job_id"]?.stringValue ?? "?"
                if receipts.updateValue(value["output_hash"]?.stringValue ?? "?", forKey: job) != nil { throw Broken("\(job) was paid twice") }
            case "meta" where row[1] == "minted": minted = value.integerValue ?? 0
            case "meta" where row[1] == "burned": burned = value.integerValue ?? 0
            default: break
            }
        }
        guard held == town.genesisSupply + minted - burned else {
            throw Broken("the supply is \(held); genesis \(town.genesisSupply), minted \(minted), burned \(burned)")
        }
        (self.balances, self.receipts, self.escrows) = (balances, receipts, escrows)
        (claims, failures, blocks) = try chain.read { db in
            (
                try Int.fetchOne(db, sql: "SELECT count(*) FROM transactions WHERE body LIKE '%\"type\":\"RECEIPT_CLAIM\"%'") ?? 0,
                try String.fetchAll(db, sql: "SELECT error FROM transactions WHERE error IS NOT NULL"),
                try Int.fetchOne(db, sql: "SELECT count(*) FROM blocks") ?? 0
            )
        }
        outbox = try miner.read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT phase, count(*) FROM outbox GROUP BY phase")
            return Dictionary(rows.map { (row: Row) -> (String, Int) in (row[0], row[1]) }) { first, _ in first }
        }
    }
}
