import Jobs
import Ledger
import Signing
package import Wire

// How an entry is written to disk. Version 1; what can't be read is refused, never guessed.
extension OutboxEntry {
    package var json: JSON {
        var members: [(String, JSON)] = [
            ("version", 1), ("chain", .string(chain.text)), ("lease", .string(leaseID)), ("heartbeat_ms", .integer(heartbeatMilliseconds)),
            ("coordinator", .string(coordinator.hex)), ("payment", .string(payment.hex)), ("result", result.json), ("outputs", .array(outputs.map(\.json))),
            ("phase", .string(phase.name)), ("times", timeline.json),
        ]
        if let delay { members.append(("delay", delay.json)) }
        switch phase {
        case .computed: break
        case .attested(let claim): members.append(("claim", claim.json))
        case .claiming(let claim, let transaction): members += [("claim", claim.json), ("tx", transaction.json)]
        case .paid(let claim, let height): members += [("claim", claim.json), ("height", .integer(height))]
        case .rejected(let problem): members += [("code", .string(problem.code.rawValue)), ("detail", .string(problem.detail))]
        }
        return .object(JSONObject(distinct: members))
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "outbox entry")
        _ = try fields.integer("version", in: 1...1)
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
        for item in try fields.array("outputs", maxCount: 64) { outputs.append(try Output(json: item)) }
        let phase = try Self.phase(&fields)
        // Missing in what earlier builds wrote.
        let times = try fields.optional("times").map { (value) throws(Problem) in try Timeline(json: value) }
        let delay = try fields.optional("delay").map { (value) throws(Problem) in try Delay(json: value) }
        try fields.finish()
        self.init(
            chain: chain, leaseID: lease, heartbeatMilliseconds: heartbeat, coordinator: coordinator, payment: payment, result: result, outputs: outputs,
            phase: phase, timeline: times ?? Timeline(), delay: delay)
    }

    private static func phase(_ fields: inout JSONFields) throws(Problem) -> Phase {
        switch try fields.string("phase", maxBytes: 16) {
        case "computed": return .computed
        case "attested": return .attested(try ReceiptClaim(try fields.value("claim")))
        case "claiming": return .claiming(try ReceiptClaim(try fields.value("claim")), try Transaction(try fields.value("tx")))
        case "paid": return .paid(try ReceiptClaim(try fields.value("claim")), height: try fields.integer("height"))
        case "rejected":
            let code = try fields.string("code", maxBytes: 64)
            return .rejected(Problem(Problem.Code(rawValue: code) ?? .internalError, try fields.string("detail", maxBytes: 1 << 16)))
        default: throw Problem(.outOfRange, "outbox entry: no phase is called that")
        }
    }
}

extension OutboxEntry.Output {
    fileprivate var json: JSON {
        var members: [(String, JSON)] = [("root", .string(root.hex)), ("bytes", .integer(Int64(byteCount)))]
        switch place {
        case .file(let name): members.append(("file", .string(name)))
        case .here(let bytes): members.append(("data", .string(Base64.encode(bytes))))
        case .gone: break
        }
        return .object(JSONObject(distinct: members))
    }

    fileprivate init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "output")
        let root = try fields.digest("root")
        let byteCount = Int(try fields.integer("bytes"))
        let file = try fields.optionalString("file", maxBytes: 128)
        let data = try fields.optionalString("data", maxBytes: 2 * InlineTensor.maxBytes)
        try fields.finish()
        self.init(root: root, byteCount: byteCount, place: try Self.place(file, data, byteCount))
    }

    private static func place(_ file: String?, _ data: String?, _ byteCount: Int) throws(Problem) -> Place {
        if let file {
            guard !file.contains("/"), !file.hasPrefix(".") else { throw Problem(.outOfRange, "an output's file is in the folder of outputs") }
            return .file(file)
        }
        guard let data else { return .gone }
        guard let bytes = Base64.decode(data), bytes.count == byteCount else { throw Problem(.wrongType, "an output's bytes are base64") }
        return .here(bytes)
    }
}
