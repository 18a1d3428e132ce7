package import Signing
package import Wire

/// What a transaction does: its type and that type's members (PROTOCOL section 3).
package enum Payload: Hashable, Sendable {
    case transfer(Transfer)
    case receiptClaim(ReceiptClaim)
    case escrowRefund(JobID)
    case stake(Int64)
    case unstake(Int64)
    case parameterUpdate(ParameterUpdate)

    /// All types on the wire.
    package static let types = ["TRANSFER", "RECEIPT_CLAIM", "ESCROW_REFUND", "STAKE", "UNSTAKE", "PARAM_UPDATE"]

    /// The `type` on the wire.
    package var type: String {
        switch self {
        case .transfer: "TRANSFER"
        case .receiptClaim: "RECEIPT_CLAIM"
        case .escrowRefund: "ESCROW_REFUND"
        case .stake: "STAKE"
        case .unstake: "UNSTAKE"
        case .parameterUpdate: "PARAM_UPDATE"
        }
    }

    /// Reads a payload of the given type; throws `unsupported_transaction` for a type that isn't the protocol's.
    package init(type: String, _ json: JSON) throws(Problem) {
        switch type {
        case "TRANSFER": self = .transfer(try Transfer(json))
        case "RECEIPT_CLAIM": self = .receiptClaim(try ReceiptClaim(json))
        case "ESCROW_REFUND": self = .escrowRefund(try Self.job(json))
        case "STAKE": self = .stake(try Self.amount(json))
        case "UNSTAKE": self = .unstake(try Self.amount(json))
        case "PARAM_UPDATE": self = .parameterUpdate(try ParameterUpdate(json))
        default: throw Problem(.unsupportedTransaction, "there is no transaction type \"\(type.prefix(32))\"")
        }
    }

    package var json: JSON {
        switch self {
        case .transfer(let transfer): transfer.json
        case .receiptClaim(let claim): claim.json
        case .escrowRefund(let job): ["job_id": .string(job.text)]
        case .stake(let amount), .unstake(let amount): ["amount": .integer(amount)]
        case .parameterUpdate(let update): update.json
        }
    }

    private static func job(_ json: JSON) throws(Problem) -> JobID {
        var fields = try JSONFields(json, "payload")
        let job = try fields.jobID("job_id")
        try fields.finish()
        return job
    }

    private static func amount(_ json: JSON) throws(Problem) -> Int64 {
        var fields = try JSONFields(json, "payload")
        let amount = try fields.integer("amount", in: 1...JSON.maxInteger)
        try fields.finish()
        return amount
    }
}

/// Moves `amount`; with a quote, opens that job's escrow.
package struct Transfer: Hashable, Sendable {
    package let to: Address
    /// In base units; ≥ 1.
    package let amount: Int64
    /// At most 256 bytes of UTF-8.
    package let memo: String?
    /// Goes with the escrow address, and only with it.
    package let quote: Quote?

    package static let maxMemoBytes = 256

    /// Throws `out_of_range` for an amount outside 1 … 2^53−1 or a memo over 256 bytes.
    package init(to: Address, amount: Int64, memo: String? = nil, quote: Quote? = nil) throws(Problem) {
        guard (1...JSON.maxInteger).contains(amount) else { throw Problem(.outOfRange, "an amount is 1...2^53-1") }
        guard (memo?.utf8.count ?? 0) <= Self.maxMemoBytes else { throw Problem(.outOfRange, "a memo has at most \(Self.maxMemoBytes) bytes") }
        self.to = to
        self.amount = amount
        self.memo = memo
        self.quote = quote
    }

    init(_ json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "payload")
        let to = try fields.address("to")
        let amount = try fields.integer("amount", in: 1...JSON.maxInteger)
        let memo = try fields.optionalString("memo", maxBytes: Self.maxMemoBytes)
        let quoted = fields.optional("quote")
        let quote: Quote? = if let quoted { try Quote(quoted) } else { nil }
        try fields.finish()
        try self.init(to: to, amount: amount, memo: memo, quote: quote)
    }

    package var json: JSON {
        var members: [(String, JSON)] = [("to", .string(to.text)), ("amount", .integer(amount))]
        if let memo { members.append(("memo", .string(memo))) }
        if let quote { members.append(("quote", quote.json)) }
        return .object(JSONObject(distinct: members))
    }
}

/// One parameter's new value, from the next block on.
package struct ParameterUpdate: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        case integer(Int64)
        case keys([PublicKey])
    }

    package let key: String
    package let value: Value

    /// An integer parameter's new value. Throws `out_of_range` for one outside the parameter's range.
    package init(_ parameter: Parameter, _ number: Int64) throws(Problem) {
        try parameter.check(number)
        (key, value) = (parameter.rawValue, .integer(number))
    }

    /// A change of the listed authorities.
    package static func authorities(_ keys: [PublicKey]) -> ParameterUpdate { ParameterUpdate(key: Parameters.authoritiesID, value: .keys(keys)) }
    /// A change of the listed coordinators.
    package static func coordinators(_ keys: [PublicKey]) -> ParameterUpdate { ParameterUpdate(key: Parameters.coordinatorsID, value: .keys(keys)) }

    private init(key: String, value: Value) { (self.key, self.value) = (key, value) }

    /// Reads an update; whether there is such a parameter, and whether it may have that value, is asked where it takes effect.
    package init(_ json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "payload")
        key = try fields.string("key", maxBytes: 64)
        let json = try fields.value("value")
        if case .integer(let number) = json {
            value = .integer(number)
        } else {
            value = .keys(try PublicKey.list(json, "value"))
        }
        try fields.finish()
    }

    package var json: JSON {
        switch value {
        case .integer(let number): ["key": .string(key), "value": .integer(number)]
        case .keys(let keys): ["key": .string(key), "value": PublicKey.json(keys)]
        }
    }
}
