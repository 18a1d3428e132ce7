import GRDB
package import Ledger
package import Signing
package import Wire

// What a node keeps beside the chain itself, and what it finds by an index.
extension SQLiteChainStore {
    package func escrows(of coordinator: PublicKey, status: Escrow.Status?, after job: JobID?, limit: Int) async throws(Problem) -> [Escrow] {
        try await reading { db in
            // The terms of the partial index stand here word for word; INDEXED BY makes anything but its use an error.
            let sql = """
                SELECT kind, name, value FROM records INDEXED BY escrows_with_money
                WHERE kind = 'escrow' AND json_extract(value, '$.status') IN ('open', 'closing')
                    AND json_extract(value, '$.coordinator_pubkey') = ? AND name > ?
                    AND (? = '' OR json_extract(value, '$.status') = ?)
                ORDER BY name LIMIT ?
                """
            let word = status?.rawValue ?? ""
            let rows = try Row.fetchAll(db, sql: sql, arguments: [coordinator.hex, job?.text ?? "", word, word, limit])
            return try rows.compactMap { row in
                guard case .escrow(let escrow)? = try ChainRows.record(row).record else { return nil }
                return escrow
            }
        }
    }

    package func waiting() async throws(Problem) -> [WaitingTransaction] {
        try await reading { db in
            let rows = try Row.fetchAll(db, sql: "SELECT entered, body FROM waiting ORDER BY id")
            return rows.compactMap { row in
                let body: String = row[1]
                guard let json = try? JSON.parse(Array(body.utf8)), let transaction = try? Transaction(json) else { return nil }
                return WaitingTransaction(transaction: transaction, entered: row[0])
            }
        }
    }

    package func setWaiting(_ waiting: [WaitingTransaction]) async throws(Problem) {
        try await writing { db in
            try db.execute(sql: "DELETE FROM waiting")
            let statement = try db.cachedStatement(sql: "INSERT INTO waiting (entered, body) VALUES (?, ?)")
            for entry in waiting { try statement.execute(arguments: [entry.entered, entry.transaction.json.canonicalString]) }
        }
    }

    package func peers() async throws(Problem) -> [Peer] {
        try await reading { db in
            try Row.fetchAll(db, sql: "SELECT url, node_id FROM peers ORDER BY id").map { Peer(url: $0[0], id: $0[1]) }
        }
    }

    package func add(_ peer: Peer) async throws(Problem) {
        try await writing { db in
            let sql = "INSERT INTO peers (url, node_id) VALUES (?, ?) ON CONFLICT (url) DO UPDATE SET node_id = excluded.node_id"
            try db.execute(sql: sql, arguments: [peer.url, peer.id])
        }
    }
}
