package import Ledger
package import Signing
package import Wire

/// What a worker gets when it leases a job: all it needs to do the work and to sign for it.
package struct Lease: Sendable, Equatable {
    /// `lease_` and 32 hex digits.
    package let id: String
    /// Goes into every message about the lease.
    package let fence: Int64
    /// Goes into the receipt's id.
    package let nonce: Nonce16
    package let chain: ChainID
    package let spec: JobSpec
    package let quote: Quote
    package let part: Int64
    /// Where the reward goes, as the worker registered it.
    package let payout: Address
    /// The transaction that opened the job's escrow.
    package let payment: Digest
    /// Unix milliseconds by the coordinator's clock; heartbeats move it.
    package let deadlineMilliseconds: Int64
    /// The coordinator's clock as it answered.
    package let nowMilliseconds: Int64
    /// How often a heartbeat is expected.
    package let heartbeatMilliseconds: Int64

    package init(
        id: String, fence: Int64, nonce: Nonce16, chain: ChainID, spec: JobSpec, quote: Quote, part: Int64, payout: Address, payment: Digest,
        deadlineMilliseconds: Int64, nowMilliseconds: Int64, heartbeatMilliseconds: Int64
    ) {
        self.id = id
        self.fence = fence
        self.nonce = nonce
        self.chain = chain
        self.spec = spec
        self.quote = quote
        self.part = part
        self.payout = payout
        self.payment = payment
        self.deadlineMilliseconds = deadlineMilliseconds
        self.nowMilliseconds = nowMilliseconds
        self.heartbeatMilliseconds = heartbeatMilliseconds
    }

    package var jobID: JobID { quote.jobID }

    /// The terms that this lease's miner signs once its output's hash is known.
    ///
    /// Throws `out_of_range` when the quote has no such part.
    package func terms(miner: Address, outputHash: OutputHash) throws(Problem) -> ReceiptTerms {
        try ReceiptTerms(
            chain: chain, jobID: quote.jobID, part: part, client: quote.client, miner: miner, payout: payout,
            computeUnits: try quote.units(of: part), price: try quote.price(of: part), outputHash: outputHash, nonce: nonce)
    }

    /// Reads a lease. Throws unless the quote is for this spec and its name and signature hold.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "lease")
        id = try fields.string("leaseId", maxBytes: 64)
        fence = try fields.integer("fence", in: 1...JSON.maxInteger)
        nonce = try fields.nonce16("nonce")
        chain = try ChainID(try fields.string("chainId", maxBytes: 32))
        spec = try JobSpec(json: try fields.value("spec"))
        quote = try Quote(try fields.value("quote"))
        part = try fields.integer("part")
        payout = try fields.address("payout")
        payment = try fields.digest("paymentTx")
        deadlineMilliseconds = try fields.integer("deadlineMs")
        nowMilliseconds = try fields.integer("nowMs")
        heartbeatMilliseconds = try fields.integer("heartbeatMs", in: 1...86_400_000)
        guard quote.specHash == spec.hash else { throw Problem(.escrowMismatch, "the lease's quote is for another spec") }
        guard quote.holds(on: chain) else { throw Problem(.badSignature, "the lease's quote does not hold") }
    }

    package var json: JSON {
        [
            "leaseId": .string(id),
            "fence": .integer(fence),
            "nonce": .string(nonce.text),
            "chainId": .string(chain.text),
            "spec": spec.json,
            "quote": quote.json,
            "part": .integer(part),
            "payout": .string(payout.text),
            "paymentTx": .string(payment.hex),
            "deadlineMs": .integer(deadlineMilliseconds),
            "nowMs": .integer(nowMilliseconds),
            "heartbeatMs": .integer(heartbeatMilliseconds),
        ]
    }
}

/// The answer to `POST /leases`: leases, or why there are none.
package struct LeaseAnswer: Sendable, Equatable {
    package let leases: [Lease]
    /// Why there are none; nil where there are some or a challenge, and where the coordinator doesn't say.
    package let noWork: NoWork?
    /// What the worker is to compute at once instead, to show what it does.
    package let challenge: CapabilityChallenge?

    package init(leases: [Lease], noWork: NoWork? = nil, challenge: CapabilityChallenge? = nil) {
        (self.leases, self.noWork, self.challenge) = (leases, noWork, challenge)
    }

    /// - Parameter worker: who asked; without it no challenge is looked for.
    package init(json: JSON, worker: Address? = nil) throws(Problem) {
        var fields = try JSONFields(json, "lease answer")
        leases = try JSON.map(try fields.array("leases", maxCount: 64)) { (item) throws(Problem) in try Lease(json: item) }
        noWork = try fields.optional("noWork").map { (value) throws(Problem) in try NoWork(json: value) }
        let asked = fields.optional("challenge")
        challenge = if let worker, let asked { try CapabilityChallenge(json: asked, worker: worker) } else { nil }
    }

    package var json: JSON { .members([("leases", .array(leases.map(\.json))), ("noWork", noWork?.json), ("challenge", challenge?.json)]) }
}
