package import Ledger
package import Signing
package import Wire

/// A client's call for a quote: `POST /tasks` `{"type", "requirements"?, "data": {"inputs", "params"?}, "client"}`.
///
/// Absent requirements and parameters are empty objects in the spec, so that both sides hash the same.
package struct TaskRequest: Sendable, Equatable {
    package let spec: JobSpec
    /// Who pays; also the request's signer.
    package let client: Address

    package init(spec: JobSpec, client: Address) {
        self.spec = spec
        self.client = client
    }

    /// Reads a request; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "task")
        let type = try fields.string("type", maxBytes: Identifier.maxBytes)
        let requirements = try fields.optional("requirements").map { (value) throws(Problem) in try Requirements(json: value) }
        let data = try fields.value("data")
        client = try fields.address("client")
        try fields.finish()
        var inner = try JSONFields(data, "data")
        let inputs = try JobSpec.inputs(try inner.array("inputs", maxCount: JobSpec.maxInputs))
        let params = inner.optional("params") ?? .object(JSONObject(distinct: []))
        try inner.finish()
        spec = try JobSpec(type: type, params: params, inputs: inputs, requirements: requirements ?? .none)
    }

    package var json: JSON {
        [
            "type": .string(spec.type), "requirements": spec.requirements.json,
            "data": ["inputs": .array(spec.inputs.map(\.json)), "params": spec.params], "client": .string(client.text),
        ]
    }
}

/// The answer to `POST /tasks`: pay the quote's price into escrow, and the task is queued.
package struct TaskAnswer: Sendable, Equatable {
    package let quote: Quote
    /// How the output will be checked, with its figures, as the kernel states them.
    package let verification: JSON

    package init(quote: Quote, verification: JSON) {
        self.quote = quote
        self.verification = verification
    }

    package var taskID: JobID { quote.jobID }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "task answer")
        let task = try fields.jobID("taskId")
        quote = try Quote(try fields.value("quote"))
        verification = try fields.value("verification")
        guard quote.jobID == task else { throw Problem(.badAnswer, "the quote is for another task") }
    }

    package var json: JSON {
        ["taskId": .string(quote.jobID.text), "status": "pending", "quote": quote.json, "verification": verification]
    }

    /// Throws unless this is an offer for exactly `spec` by a coordinator that signed it: what a client checks before it pays.
    package func check(spec: JobSpec, client: Address, chain: ChainID) throws(Problem) {
        guard quote.specHash == spec.hash, quote.client == client else { throw Problem(.escrowMismatch, "the quote is for another job or client") }
        guard quote.holds(on: chain) else { throw Problem(.badSignature, "the quote's name or signature does not hold") }
    }
}
