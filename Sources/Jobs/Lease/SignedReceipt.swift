package import Ledger
package import Signing
package import Wire

/// A receipt as the miner sends it: the terms it signed, before the coordinator has signed anything.
///
/// On the wire these are the claim's members without the payment and the coordinator's (PROTOCOL section 4).
package struct SignedReceipt: Sendable, Equatable {
    package let receiptID: ReceiptID
    package let jobID: JobID
    package let part: Int64
    package let client: Address
    package let miner: Address
    package let payout: Address
    package let computeUnits: Int64
    package let price: Int64
    package let outputHash: OutputHash
    package let nonce: Nonce16
    package let minerKey: PublicKey
    package let minerSignature: Signature

    /// Signs the terms as their miner.
    package init(signing terms: ReceiptTerms, with key: PrivateKey, on chain: ChainID) {
        receiptID = terms.receiptID
        jobID = terms.jobID
        part = terms.part
        client = terms.client
        miner = terms.miner
        payout = terms.payout
        computeUnits = terms.computeUnits
        price = terms.price
        outputHash = terms.outputHash
        nonce = terms.nonce
        minerKey = key.publicKey
        minerSignature = key.sign(terms.receiptDigest(on: chain))
    }

    /// Reads a receipt; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "receipt")
        receiptID = try ReceiptID(try fields.string("receipt_id", maxBytes: 64))
        jobID = try fields.jobID("job_id")
        part = try fields.integer("part")
        client = try fields.address("client_addr")
        miner = try fields.address("miner_addr")
        payout = try fields.address("payout_addr")
        computeUnits = try fields.integer("compute_units")
        price = try fields.integer("price")
        outputHash = try OutputHash(try fields.string("output_hash", maxBytes: 128))
        nonce = try fields.nonce16("nonce")
        minerKey = try fields.publicKey("miner_pubkey")
        minerSignature = try fields.signature("miner_sig")
        try fields.finish()
    }

    package var json: JSON {
        [
            "receipt_id": .string(receiptID.text),
            "job_id": .string(jobID.text),
            "part": .integer(part),
            "client_addr": .string(client.text),
            "miner_addr": .string(miner.text),
            "payout_addr": .string(payout.text),
            "compute_units": .integer(computeUnits),
            "price": .integer(price),
            "output_hash": .string(outputHash.text),
            "nonce": .string(nonce.text),
            "miner_pubkey": .string(minerKey.hex),
            "miner_sig": .string(minerSignature.hex),
        ]
    }

    /// Compares the receipt with the terms that the coordinator expects, member by member, and checks the signature.
    ///
    /// Throws `wrong_miner`, `escrow_mismatch`, `units_mismatch`, `price_mismatch`, `output_mismatch`, `wrong_receipt_id` or
    /// `bad_signature`. Once it returns, the miner has signed exactly `expected`.
    package func check(against expected: ReceiptTerms, on chain: ChainID) throws(Problem) {
        guard miner == expected.miner, minerKey.address == expected.miner else {
            throw Problem(.wrongMiner, "the receipt is not of the worker that holds the lease")
        }
        guard payout == expected.payout else { throw Problem(.wrongMiner, "the payout address is not the one this worker registered") }
        guard jobID == expected.jobID, part == expected.part, client == expected.client, nonce == expected.nonce else {
            throw Problem(.escrowMismatch, "the receipt's job, part, client or nonce is not the lease's")
        }
        guard computeUnits == expected.computeUnits else { throw Problem(.unitsMismatch, "the lease is for \(expected.computeUnits) units") }
        guard price == expected.price else { throw Problem(.priceMismatch, "the lease's price is \(expected.price)") }
        guard outputHash == expected.outputHash else { throw Problem(.outputMismatch, "the receipt's output hash is not that of the output sent with it") }
        guard receiptID == expected.receiptID else { throw Problem(.wrongReceiptID, "the receipt's id does not follow from the lease") }
        guard minerKey.verifies(minerSignature, of: expected.receiptDigest(on: chain)) else {
            throw Problem(.badSignature, "the miner's signature does not hold")
        }
    }
}
