package import Ledger
package import Signing
package import Wire

/// A node's question about a claim that came to its mempool: `POST /attest/receipt` (PROTOCOL section 8).
package struct ReceiptQuestion: Sendable, Equatable {
    package let jobID: JobID
    package let client: Address
    package let miner: Address
    package let price: Int64
    package let computeUnits: Int64
    package let outputHash: OutputHash

    package init(jobID: JobID, client: Address, miner: Address, price: Int64, computeUnits: Int64, outputHash: OutputHash) {
        self.jobID = jobID
        self.client = client
        self.miner = miner
        self.price = price
        self.computeUnits = computeUnits
        self.outputHash = outputHash
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "receipt question")
        jobID = try fields.jobID("job_id")
        client = try fields.address("client")
        miner = try fields.address("miner")
        price = try fields.integer("price")
        computeUnits = try fields.integer("compute_units")
        outputHash = try OutputHash(try fields.string("output_hash"))
        try fields.finish()
    }

    package var json: JSON {
        [
            "job_id": .string(jobID.text), "client": .string(client.text), "miner": .string(miner.text), "price": .integer(price),
            "compute_units": .integer(computeUnits), "output_hash": .string(outputHash.text),
        ]
    }
}

/// What the coordinator knows of that receipt.
package struct ReceiptAnswer: Sendable, Equatable {
    /// It signed a receipt of exactly these terms.
    package let exists: Bool
    /// The job's escrow was seen in a block.
    package let paid: Bool
    /// Neither another receipt nor a refund stands against it.
    package let notDoubleSpent: Bool
    /// The job's quote, where the job is known.
    package let quote: Quote?

    package init(exists: Bool, paid: Bool, notDoubleSpent: Bool, quote: Quote?) {
        self.exists = exists
        self.paid = paid
        self.notDoubleSpent = notDoubleSpent
        self.quote = quote
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "receipt answer")
        exists = try fields.bool("exists")
        paid = try fields.bool("paid")
        notDoubleSpent = try fields.bool("not_double_spent")
        quote = try fields.optional("quote").map { (value) throws(Problem) in try Quote(value) }
    }

    package var json: JSON {
        .members([("exists", .bool(exists)), ("paid", .bool(paid)), ("not_double_spent", .bool(notDoubleSpent)), ("quote", quote?.json)])
    }
}
