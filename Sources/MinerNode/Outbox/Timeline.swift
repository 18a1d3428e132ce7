package import Wire

/// When the steps of a receipt were done, from the lease to the payment: Unix milliseconds by this machine's clock.
package struct Timeline: Sendable, Equatable {
    package enum Step: String, Sendable, CaseIterable {
        case leased
        /// All inputs were here and checked.
        case inputsReady = "inputs_ready"
        case computed
        /// The result went to the coordinator, which commits it before it checks.
        case committed
        /// The coordinator checked and signed it.
        case signed
        case claimSent = "claim_sent"
        /// The claim is in a block.
        case paid
    }

    package private(set) var times: [Step: Int64] = [:]

    package init() {}

    /// Notes a step; the first time counts. Nothing where there is no time.
    package mutating func note(_ step: Step, _ time: Int64?) {
        if let time, times[step] == nil { times[step] = time }
    }

    package subscript(step: Step) -> Int64? { times[step] }

    package var json: JSON { .object(JSONObject(distinct: times.map { ($0.key.rawValue, .integer($0.value)) })) }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "times")
        for step in Step.allCases { note(step, try fields.optionalInteger(step.rawValue)) }
        try fields.finish()
    }
}

/// Why a receipt stands still.
package struct Delay: Sendable, Equatable {
    package let code: Problem.Code
    package let detail: String
    /// Unix milliseconds.
    package let since: Int64

    init(code: Problem.Code, detail: String, since: Int64) { (self.code, self.detail, self.since) = (code, detail, since) }

    package var json: JSON { ["code": .string(code.rawValue), "detail": .string(detail), "since_ms": .integer(since)] }

    init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "delay")
        code = Problem.Code(rawValue: try fields.string("code", maxBytes: 64)) ?? .internalError
        detail = try fields.string("detail", maxBytes: 4096)
        since = try fields.integer("since_ms")
        try fields.finish()
    }
}
