package import Ledger
package import Signing
package import Wire

/// The node's newest block.
package struct ChainHead: Sendable, Equatable {
    package let height: Int64
    package let hash: Digest
}

/// An account as a wallet needs it; amounts in base units.
package struct BalanceRecord: Sendable, Equatable {
    package let balance: Int64
    /// The last one that a block used.
    package let nonce: Int64
    package let staked: Int64
    /// What the next transaction takes, with those that wait for a block.
    package let nextNonce: Int64
}

/// Where a transaction stands.
package struct TransactionState: Sendable, Equatable {
    package enum Status: String, Sendable { case pending, confirmed, failed }

    package let status: Status
    /// The block it is in; nil while pending.
    package let height: Int64?
    /// Why its effect failed, with the fee charged all the same.
    package let error: Problem?

    init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "transaction state")
        let name = try fields.string("status", maxBytes: 32)
        guard let status = Status(rawValue: name) else { throw Problem(.outOfRange, "no transaction status is called that") }
        self.status = status
        if case .integer(let number)? = fields.present("height"), status != .pending { height = number } else { height = nil }
        error = fields.present("error").map(Self.problem)
    }

    /// The error is a code, or an object with one.
    private static func problem(_ json: JSON) -> Problem {
        let text = json.stringValue ?? json["code"]?.stringValue ?? ""
        let detail = json["detail"]?.stringValue ?? "the transaction failed"
        return Problem(Problem.Code(rawValue: text) ?? .badAnswer, detail)
    }
}

/// A block as its node tells it.
package struct BlockRecord: Sendable, Equatable {
    package let height: Int64
    package let hash: Digest
    package let parent: Digest
    /// Unix seconds.
    package let timestamp: Int64
    package let transactionCount: Int64
    package let stateRoot: Digest
    /// The whole answer, for people and for checks of the header.
    package let json: JSON

    init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "block")
        height = try fields.integer("height")
        hash = try fields.digest("hash")
        parent = try fields.digest("parent")
        timestamp = try fields.integer("timestamp")
        transactionCount = try fields.integer("tx_count")
        stateRoot = try fields.digest("stateRoot")
        self.json = json
    }
}

/// A receipt that the chain has settled.
package struct ReceiptRecord: Sendable, Equatable {
    package let claim: ReceiptClaim
    package let height: Int64

    init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "receipt")
        height = try fields.integer("height")
        // The record is the claim's payload and its height; the claim itself refuses unknown members.
        guard case .object(let object) = json else { throw Problem(.wrongType, "a receipt is an object") }
        claim = try ReceiptClaim(.object(JSONObject(distinct: object.members.filter { Self.members.contains($0.key) }.map { ($0.key, $0.value) })))
    }

    private static let members: Set<String> = [
        "receipt_id", "job_id", "part", "client_addr", "miner_addr", "payout_addr", "compute_units", "price", "output_hash", "nonce", "client_payment_tx",
        "miner_pubkey", "miner_sig", "coordinator_pubkey", "coordinator_sig",
    ]
}

/// A job's escrow as the chain holds it.
package struct EscrowRecord: Sendable, Equatable {
    package let jobID: JobID
    package let client: Address
    package let coordinator: PublicKey
    package let payment: Digest
    package let computeUnits: Int64
    package let price: Int64
    package let parts: Int64
    package let claimed: [Int64]
    package let opened: Int64
    /// The height at which the money goes back; 0 unless closing.
    package let closingAt: Int64
    package let status: Escrow.Status

    init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "escrow")
        jobID = try JobID(try fields.string("job_id", maxBytes: 64))
        client = try Address(try fields.string("client_addr", maxBytes: 64))
        guard let key = PublicKey(hex: try fields.string("coordinator_pubkey", maxBytes: 64)) else { throw Problem(.badPublicKey, "coordinator_pubkey") }
        coordinator = key
        payment = try fields.digest("payment_tx")
        computeUnits = try fields.integer("compute_units")
        price = try fields.integer("price")
        parts = try fields.integer("parts")
        claimed = try fields.array("claimed", maxCount: 1 << 20).compactMap(\.integerValue)
        opened = try fields.integer("opened")
        closingAt = try fields.integer("closing_at")
        guard let status = Escrow.Status(rawValue: try fields.string("status", maxBytes: 32)) else {
            throw Problem(.outOfRange, "no escrow status is called that")
        }
        self.status = status
    }
}
