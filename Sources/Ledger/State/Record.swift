import Signing
package import Wire

/// The kinds of records in the state (PROTOCOL section 5).
package enum RecordKind: String, Hashable, Sendable, CaseIterable {
    case account, escrow, receipt, param, meta
}

/// A record's name; its place in the state tree is the hash of `kind|id`.
package struct RecordKey: Hashable, Sendable {
    package let kind: RecordKind
    package let id: String

    package init(_ kind: RecordKind, _ id: String) {
        self.kind = kind
        self.id = id
    }

    static func account(_ address: Address) -> RecordKey { RecordKey(.account, address.text) }
    static func escrow(_ job: JobID) -> RecordKey { RecordKey(.escrow, job.text) }
    static func receipt(_ id: ReceiptID) -> RecordKey { RecordKey(.receipt, id.text) }

    /// SHA-256 of `kind|id`.
    package var path: Digest { SHA256.hash(utf8: kind.rawValue + "|" + id) }
}

/// A typed record of the state. The large ones lie behind a pointer, since records are copied about.
package enum Record: Sendable, Equatable {
    case account(Account)
    indirect case escrow(Escrow)
    indirect case receipt(Receipt)
    /// A parameter: an integer, a list of keys, or the admin's key.
    case parameter(JSON)
    /// `supply`, `minted` or `burned`.
    case meta(Int64)

    /// Reads a record as a store keeps it; throws when the value isn't of its kind or isn't its key's.
    package init(_ key: RecordKey, _ json: JSON) throws(Problem) {
        switch key.kind {
        case .account:
            let account = try Account(json)
            guard account.address.text == key.id else { throw Self.misplaced(key) }
            self = .account(account)
        case .escrow:
            let escrow = try Escrow(json)
            guard escrow.jobID.text == key.id else { throw Self.misplaced(key) }
            self = .escrow(escrow)
        case .receipt:
            let receipt = try Receipt(json)
            guard receipt.id.text == key.id else { throw Self.misplaced(key) }
            self = .receipt(receipt)
        case .param:
            self = .parameter(json)
        case .meta:
            guard case .integer(let value) = json else { throw Problem(.wrongType, "meta \(key.id) is not an integer") }
            self = .meta(value)
        }
    }

    private static func misplaced(_ key: RecordKey) -> Problem {
        Problem(.outOfRange, "a record lies under \(key.kind.rawValue)|\(key.id), which is not its name")
    }

    package var json: JSON {
        switch self {
        case .account(let account): account.json
        case .escrow(let escrow): escrow.json
        case .receipt(let receipt): receipt.json
        case .parameter(let value): value
        case .meta(let value): .integer(value)
        }
    }

    /// The money in it, in base units: balance and stake of an account, what an escrow still holds.
    ///
    /// Unbonding stake will be counted here too.
    func money() throws(Problem) -> Int64 {
        switch self {
        case .account(let account): try Amount.add(account.balance, account.staked)
        case .escrow(let escrow): try escrow.holding()
        case .receipt, .parameter, .meta: 0
        }
    }
}

/// One record set (or, without a record, removed) by a block; what a store writes.
package struct RecordChange: Sendable, Equatable {
    package let key: RecordKey
    package let record: Record?

    package init(key: RecordKey, record: Record?) {
        self.key = key
        self.record = record
    }
}
