package import Ledger
package import Signing
package import Wire

/// A receipt as the miner sends it: the terms it signed, before the coordinator has signed anything.
///
/// On the wire these are the claim's members without the payment and the coordinator's (PROTOCOL section 4).
package struct SignedReceipt: Sendable, Equatable {
    package let terms: ReceiptTerms
    package let minerKey: PublicKey
    package let minerSignature: Signature

    /// Signs the terms as their miner.
    package init(signing terms: ReceiptTerms, with key: PrivateKey, on chain: ChainID) {
        self.terms = terms
        minerKey = key.publicKey
        minerSignature = key.sign(terms.receiptDigest(on: chain))
    }

    /// Reads a receipt; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "receipt")
        terms = try ReceiptTerms(reading: &fields)
        minerKey = try fields.publicKey("miner_pubkey")
        minerSignature = try fields.signature("miner_sig")
        try fields.finish()
    }

    package var json: JSON {
        .object(JSONObject(distinct: terms.members + [("miner_pubkey", .string(minerKey.hex)), ("miner_sig", .string(minerSignature.hex))]))
    }

    /// Compares the receipt with the terms that the coordinator expects, member by member, and checks the signature.
    ///
    /// Throws `wrong_miner`, `escrow_mismatch`, `units_mismatch`, `price_mismatch`, `output_mismatch`, `wrong_receipt_id` or
    /// `bad_signature`. Once it returns, the miner has signed exactly `expected`.
    package func check(against expected: ReceiptTerms, on chain: ChainID) throws(Problem) {
        guard terms.miner == expected.miner, minerKey.address == expected.miner else {
            throw Problem(.wrongMiner, "the receipt is not of the worker that holds the lease")
        }
        guard terms.payout == expected.payout else { throw Problem(.wrongMiner, "the payout address is not the one this worker registered") }
        guard terms.jobID == expected.jobID, terms.part == expected.part, terms.client == expected.client, terms.nonce == expected.nonce else {
            throw Problem(.escrowMismatch, "the receipt's job, part, client or nonce is not the lease's")
        }
        guard terms.computeUnits == expected.computeUnits else { throw Problem(.unitsMismatch, "the lease is for \(expected.computeUnits) units") }
        guard terms.price == expected.price else { throw Problem(.priceMismatch, "the lease's price is \(expected.price)") }
        guard terms.outputHash == expected.outputHash else {
            throw Problem(.outputMismatch, "the receipt's output hash is not that of the output sent with it")
        }
        guard terms.receiptID == expected.receiptID else { throw Problem(.wrongReceiptID, "the receipt's id does not follow from the lease") }
        guard minerKey.verifies(minerSignature, of: expected.receiptDigest(on: chain)) else {
            throw Problem(.badSignature, "the miner's signature does not hold")
        }
    }
}
