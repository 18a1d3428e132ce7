package import Signing
package import Wire

/// The payload of RECEIPT_CLAIM: the terms, the payment that opened the escrow, and both signatures (PROTOCOL section 4).
package struct ReceiptClaim: Hashable, Sendable {
    package let terms: ReceiptTerms
    /// The hash of the TRANSFER that opened the escrow.
    package let payment: Digest
    package let minerKey: PublicKey
    package let minerSignature: Signature
    package let coordinatorKey: PublicKey
    package let coordinatorSignature: Signature

    package init(
        terms: ReceiptTerms, payment: Digest, minerKey: PublicKey, minerSignature: Signature, coordinatorKey: PublicKey,
        coordinatorSignature: Signature
    ) {
        self.terms = terms
        self.payment = payment
        self.minerKey = minerKey
        self.minerSignature = minerSignature
        self.coordinatorKey = coordinatorKey
        self.coordinatorSignature = coordinatorSignature
    }

    /// Reads a claim's payload; unknown members are refused.
    package init(_ json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "receipt")
        try self.init(&fields)
        try fields.finish()
    }

    init(_ fields: inout JSONFields) throws(Problem) {
        terms = try ReceiptTerms(reading: &fields)
        payment = try fields.digest("client_payment_tx")
        minerKey = try fields.publicKey("miner_pubkey")
        minerSignature = try fields.signature("miner_sig")
        coordinatorKey = try fields.publicKey("coordinator_pubkey")
        coordinatorSignature = try fields.signature("coordinator_sig")
    }

    var members: [(String, JSON)] {
        terms.members + [
            ("client_payment_tx", .string(payment.hex)),
            ("miner_pubkey", .string(minerKey.hex)),
            ("miner_sig", .string(minerSignature.hex)),
            ("coordinator_pubkey", .string(coordinatorKey.hex)),
            ("coordinator_sig", .string(coordinatorSignature.hex)),
        ]
    }

    package var json: JSON { .object(JSONObject(distinct: members)) }

    /// Whether the miner's signature holds under the key in the claim.
    package func minerSignatureHolds(on chain: ChainID) -> Bool {
        minerKey.verifies(minerSignature, of: terms.receiptDigest(on: chain))
    }

    /// Whether the coordinator's signature holds under `key`: on chain the escrow's key, never merely the one in the claim.
    package func coordinatorSignatureHolds(on chain: ChainID, under key: PublicKey) -> Bool {
        key.verifies(coordinatorSignature, of: terms.attestDigest(on: chain, payment: payment))
    }
}
