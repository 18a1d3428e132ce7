package import Signing
package import Wire

/// What miner and coordinator both sign about one verified part of a job (PROTOCOL section 4).
package struct ReceiptTerms: Hashable, Sendable {
    package let receiptID: ReceiptID
    package let jobID: JobID
    package let part: Int64
    package let client: Address
    package let miner: Address
    /// Where price and mint go; may be a cold address.
    package let payout: Address
    package let computeUnits: Int64
    package let price: Int64
    package let outputHash: OutputHash
    /// Drawn by the coordinator for the lease.
    package let nonce: Nonce16

    /// The terms of one lease; the receipt's name follows from them.
    package init(
        chain: ChainID, jobID: JobID, part: Int64, client: Address, miner: Address, payout: Address,
        computeUnits: Int64, price: Int64, outputHash: OutputHash, nonce: Nonce16
    ) throws(Problem) {
        guard Amount.range.contains(part), Amount.range.contains(computeUnits), Amount.range.contains(price) else {
            throw Problem(.outOfRange, "a receipt's part, units or price is out of range")
        }
        self.receiptID = .derive(chain: chain, job: jobID, part: part, miner: miner, nonce: nonce)
        self.jobID = jobID
        self.part = part
        self.client = client
        self.miner = miner
        self.payout = payout
        self.computeUnits = computeUnits
        self.price = price
        self.outputHash = outputHash
        self.nonce = nonce
    }

    /// Reads the members of the terms from an object that may have others; the caller calls `finish`.
    package init(reading fields: inout JSONFields) throws(Problem) {
        receiptID = try ReceiptID(fields.string("receipt_id"))
        jobID = try fields.jobID("job_id")
        part = try fields.integer("part")
        client = try fields.address("client_addr")
        miner = try fields.address("miner_addr")
        payout = try fields.address("payout_addr")
        computeUnits = try fields.integer("compute_units")
        price = try fields.integer("price")
        outputHash = try OutputHash(fields.string("output_hash"))
        nonce = try fields.nonce16("nonce")
    }

    /// The members of the terms in a receipt's document.
    package var members: [(String, JSON)] {
        [
            ("receipt_id", .string(receiptID.text)),
            ("job_id", .string(jobID.text)),
            ("part", .integer(part)),
            ("client_addr", .string(client.text)),
            ("miner_addr", .string(miner.text)),
            ("payout_addr", .string(payout.text)),
            ("compute_units", .integer(computeUnits)),
            ("price", .integer(price)),
            ("output_hash", .string(outputHash.text)),
            ("nonce", .string(nonce.text)),
        ]
    }

    private var signedFields: [String] {
        [
            receiptID.text, jobID.text, String(part), client.text, miner.text, payout.text, String(computeUnits), String(price),
            outputHash.text, nonce.text,
        ]
    }

    /// What the miner signs.
    package func receiptDigest(on chain: ChainID) -> Digest {
        Preimage("adit.receipt.v1", chain, signedFields).digest
    }

    /// What the coordinator signs, after verification: the same and the payment that it knows of.
    package func attestDigest(on chain: ChainID, payment: Digest) -> Digest {
        Preimage("adit.attest.v1", chain, signedFields + [payment.hex]).digest
    }

    /// Whether the receipt's name follows from its lease.
    package func namesItself(on chain: ChainID) -> Bool {
        ReceiptID.derive(chain: chain, job: jobID, part: part, miner: miner, nonce: nonce) == receiptID
    }
}
