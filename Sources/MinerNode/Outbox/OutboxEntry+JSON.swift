import Jobs
import Ledger
import Signing
package import Wire

// How an entry is written to disk, in two parts: what never changes, once, and what does, with every step. What can't be read is
// refused, never guessed.
extension OutboxEntry {
    /// What never changes: the lease's side of it, the result, and the outputs without their bytes.
    package var document: JSON {
        [
            "version": 2, "chain": .string(chain.text), "lease": .string(leaseID), "heartbeat_ms": .integer(heartbeatMilliseconds),
            "coordinator": .string(coordinator.hex), "payment": .string(payment.hex), "result": result.json, "outputs": .array(outputs.map(\.json)),
        ]
    }

    /// The bytes of outputs that have no file, by their positions among the outputs.
    package var bytesHere: [Int: [UInt8]] {
        var bytes: [Int: [UInt8]] = [:]
        for (position, output) in outputs.enumerated() { if case .here(let data) = output.place { bytes[position] = data } }
        return bytes
    }

    /// What changes, besides the phase's name.
    package var progress: JSON {
        var members: [(String, JSON)] = [("times", timeline.json)]
        if let delay { members.append(("delay", delay.json)) }
        switch phase {
        case .computed: break
        case .attested(let claim): members.append(Self.signature(claim))
        case .claiming(let claim, let transaction): members += [Self.signature(claim), ("tx", Self.brief(transaction))]
        case .paid(let claim, let height): members += [Self.signature(claim), ("height", .integer(height))]
        case .rejected(let problem): members += [("code", .string(problem.code.rawValue)), ("detail", .string(problem.detail))]
        }
        return .object(JSONObject(distinct: members))
    }

    /// All else in a claim is the entry's own: `apply` takes no other.
    private static func signature(_ claim: ReceiptClaim) -> (String, JSON) { ("coordinator_sig", .string(claim.coordinatorSignature.hex)) }

    /// A claim's transaction without the claim.
    private static func brief(_ transaction: Transaction) -> JSON {
        var members: [(String, JSON)] = [
            ("sender", .string(transaction.sender.text)), ("nonce", .integer(transaction.nonce)), ("fee", .integer(transaction.fee)),
            ("sig", .string(transaction.signature.hex)),
        ]
        if let key = transaction.publicKey { members.append(("pubkey", .string(key.hex))) }
        return .object(JSONObject(distinct: members))
    }

    /// Reads both parts.
    ///
    /// - Parameters:
    ///   - document: of this version, or a whole entry of the version before, of which only what never changes counts then.
    ///   - phase: its name.
    ///   - bytes: as `bytesHere` gave them.
    package init(document: JSON, phase: String, progress: JSON, bytes: [Int: [UInt8]]) throws(Problem) {
        var fields = try JSONFields(document, "outbox entry")
        let version = try fields.integer("version", in: 1...2)
        let lasting = try OutboxEntry(lasting: &fields, bytes: bytes)
        if version == 2 { try fields.finish() }

        var changes = try JSONFields(progress, "outbox entry's progress")
        let times = try Timeline(json: try changes.value("times"))
        let delay = try changes.optional("delay").map { (value) throws(Problem) in try Delay(json: value) }
        let now = try lasting.phase(phase, &changes)
        try changes.finish()
        self = lasting.at(now, times, delay)
    }

    private func phase(_ name: String, _ fields: inout JSONFields) throws(Problem) -> Phase {
        switch name {
        case "computed": return .computed
        case "attested": return .attested(try claim(&fields))
        case "claiming":
            let claim = try claim(&fields)
            return .claiming(claim, try Self.transaction(try fields.value("tx"), claim))
        case "paid": return .paid(try claim(&fields), height: try fields.integer("height"))
        case "rejected":
            let code = try fields.string("code", maxBytes: 64)
            return .rejected(Problem(Problem.Code(rawValue: code) ?? .internalError, try fields.string("detail", maxBytes: 1 << 16)))
        default: throw Problem(.outOfRange, "outbox entry: no phase is called that")
        }
    }

    private func claim(_ fields: inout JSONFields) throws(Problem) -> ReceiptClaim {
        let receipt = result.receipt
        return ReceiptClaim(
            terms: receipt.terms, payment: payment, minerKey: receipt.minerKey, minerSignature: receipt.minerSignature, coordinatorKey: coordinator,
            coordinatorSignature: try fields.signature("coordinator_sig"))
    }

    private static func transaction(_ json: JSON, _ claim: ReceiptClaim) throws(Problem) -> Transaction {
        var fields = try JSONFields(json, "claim's transaction")
        let transaction = Transaction(
            sender: try fields.address("sender"), nonce: try fields.integer("nonce"), fee: try fields.integer("fee"), payload: .receiptClaim(claim),
            publicKey: fields.optional("pubkey") == nil ? nil : try fields.publicKey("pubkey"), signature: try fields.signature("sig"))
        try fields.finish()
        return transaction
    }

    /// What never changes, read from either version's members; computed, and nothing else known of it.
    init(lasting fields: inout JSONFields, bytes: [Int: [UInt8]]) throws(Problem) {
        let chain = try ChainID(try fields.string("chain", maxBytes: 32))
        let lease = try fields.string("lease", maxBytes: 64)
        // Missing in what the first builds wrote.
        let heartbeat = try fields.optionalInteger("heartbeat_ms", in: 1...86_400_000) ?? 5_000
        guard let coordinator = PublicKey(hex: try fields.string("coordinator", maxBytes: 64)) else {
            throw Problem(.badPublicKey, "outbox entry: coordinator")
        }
        let payment = try fields.digest("payment")
        let result = try LeaseResult(json: try fields.value("result"))
        var outputs: [Output] = []
        for (position, item) in try fields.array("outputs", maxCount: 64).enumerated() { outputs.append(try Output(json: item, bytes: bytes[position])) }
        let lasting = Lasting(
            chain: chain, leaseID: lease, heartbeatMilliseconds: heartbeat, coordinator: coordinator, payment: payment, result: result)
        self.init(lasting: lasting, outputs: outputs, phase: .computed, timeline: Timeline(), delay: nil)
    }
}

extension OutboxEntry.Output {
    fileprivate var json: JSON {
        var members: [(String, JSON)] = [("root", .string(root.hex)), ("bytes", .integer(Int64(byteCount)))]
        if let file { members.append(("file", .string(file))) }
        return .object(JSONObject(distinct: members))
    }

    /// Version 1 has the bytes in `data`, as base64.
    fileprivate init(json: JSON, bytes: [UInt8]?) throws(Problem) {
        var fields = try JSONFields(json, "output")
        let root = try fields.digest("root")
        let byteCount = Int(try fields.integer("bytes"))
        let file = try fields.optionalString("file", maxBytes: 128)
        let data = try fields.optionalString("data", maxBytes: 2 * InlineTensor.maxBytes)
        try fields.finish()
        let here = if let bytes { bytes } else { try Self.decoded(data) }
        self.init(root: root, byteCount: byteCount, place: try Self.place(file, here, byteCount))
    }

    private static func decoded(_ data: String?) throws(Problem) -> [UInt8]? {
        guard let data else { return nil }
        guard let bytes = Base64.decode(data) else { throw Problem(.wrongType, "an output's bytes are base64") }
        return bytes
    }

    private static func place(_ file: String?, _ bytes: [UInt8]?, _ byteCount: Int) throws(Problem) -> Place {
        if let file {
            guard !file.contains("/"), !file.hasPrefix(".") else { throw Problem(.outOfRange, "an output's file is in the folder of outputs") }
            return .file(file)
        }
        guard let bytes else { return .gone }
        guard bytes.count == byteCount else { throw Problem(.wrongType, "an output has \(bytes.count) bytes, not \(byteCount)") }
        return .here(bytes)
    }
}
