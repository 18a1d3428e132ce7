package import Ledger
import Signing
package import Wire

/// A block that this node's key signs, as it is put on disk before the signature is made.
///
/// It holds the whole block, so that after a crash the same one is signed again (ed25519 gives the same signature) and
/// the chain goes on, rather than a second block of its height.
package struct SigningMark: Sendable, Equatable {
    package let header: BlockHeader
    package let transactions: [Transaction]

    package var height: Int64 { header.height }

    package init(header: BlockHeader, transactions: [Transaction]) {
        self.header = header
        self.transactions = transactions
    }

    /// Reads a mark as a store keeps it.
    package init(_ json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "signing mark")
        header = BlockHeader(
            parent: try fields.digest("parent"), height: try fields.integer("height"), timestamp: try fields.integer("timestamp"),
            proposer: try Address(fields.string("proposer")), txRoot: try fields.digest("txRoot"), stateRoot: try fields.digest("stateRoot"))
        var transactions: [Transaction] = []
        for body in try fields.array("txs", maxCount: Block.maxTransactions) { transactions.append(try Transaction(body)) }
        self.transactions = transactions
        try fields.finish()
    }

    package var json: JSON {
        [
            "parent": .string(header.parent.hex),
            "height": .integer(header.height),
            "timestamp": .integer(header.timestamp),
            "proposer": .string(header.proposer?.text ?? ""),
            "txRoot": .string(header.txRoot.hex),
            "stateRoot": .string(header.stateRoot.hex),
            "txs": .array(transactions.map(\.json)),
        ]
    }
}
