package import Signing
package import Wire

/// A signed transaction (PROTOCOL section 3).
package struct Transaction: Hashable, Sendable {
    package let sender: Address
    /// The next of the sender's nonces is the only one that may be in a block; they start at 1.
    package let nonce: Int64
    package let fee: Int64
    package let payload: Payload
    /// May be left out once the chain has seen it.
    package let publicKey: PublicKey?
    package let signature: Signature
    /// The payload as it is hashed and as the fee counts it.
    private let canonicalPayload: String

    /// The largest transaction that is read, as JSON.
    package static let maxBytes = 16_384

    package init(sender: Address, nonce: Int64, fee: Int64, payload: Payload, publicKey: PublicKey?, signature: Signature) {
        self.init(
            sender: sender, nonce: nonce, fee: fee, payload: payload, publicKey: publicKey, signature: signature,
            canonicalPayload: payload.json.canonicalString)
    }

    private init(
        sender: Address, nonce: Int64, fee: Int64, payload: Payload, publicKey: PublicKey?, signature: Signature, canonicalPayload: String
    ) {
        self.sender = sender
        self.nonce = nonce
        self.fee = fee
        self.payload = payload
        self.publicKey = publicKey
        self.signature = signature
        self.canonicalPayload = canonicalPayload
    }

    /// Reads a transaction; unknown members are refused. No signature is checked.
    package init(_ json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "transaction")
        let type = try fields.string("type", maxBytes: 64)
        sender = try fields.address("sender")
        nonce = try fields.integer("nonce")
        fee = try fields.integer("fee")
        payload = try Payload(type: type, fields.value("payload"))
        publicKey = if fields.optional("pubkey") == nil { nil } else { try fields.publicKey("pubkey") }
        signature = try fields.signature("sig")
        canonicalPayload = payload.json.canonicalString
        try fields.finish()
    }

    package var json: JSON {
        var members: [(String, JSON)] = [
            ("type", .string(payload.type)),
            ("sender", .string(sender.text)),
            ("nonce", .integer(nonce)),
            ("fee", .integer(fee)),
            ("payload", payload.json),
            ("sig", .string(signature.hex)),
        ]
        if let publicKey { members.append(("pubkey", .string(publicKey.hex))) }
        return .object(JSONObject(distinct: members))
    }

    /// Makes and signs a transaction.
    ///
    /// - Parameter namesKey: whether the public key travels along; needed until the chain has seen it.
    package static func signed(
        by key: PrivateKey, chain: ChainID, nonce: Int64, fee: Int64, payload: Payload, namesKey: Bool = true
    ) -> Transaction {
        signed(by: key, chain: chain, nonce: nonce, payload: payload, namesKey: namesKey) { _ in fee }
    }

    /// The same with a fee that follows from the payload's size in bytes.
    package static func signed<Failure: Error>(
        by key: PrivateKey, chain: ChainID, nonce: Int64, payload: Payload, namesKey: Bool = true, fee: (Int) throws(Failure) -> Int64
    ) throws(Failure) -> Transaction {
        let text = payload.json.canonicalString
        let fee = try fee(text.utf8.count)
        let digest = hash(chain: chain, type: payload.type, sender: key.address, nonce: nonce, fee: fee, payload: text)
        return Transaction(
            sender: key.address, nonce: nonce, fee: fee, payload: payload, publicKey: namesKey ? key.publicKey : nil,
            signature: key.sign(digest), canonicalPayload: text)
    }

    /// The transaction's hash, which is also what its sender signs; the signature is not part of it.
    package func hash(on chain: ChainID) -> Digest {
        Self.hash(chain: chain, type: payload.type, sender: sender, nonce: nonce, fee: fee, payload: canonicalPayload)
    }

    private static func hash(chain: ChainID, type: String, sender: Address, nonce: Int64, fee: Int64, payload: String) -> Digest {
        Preimage("adit.tx.v1", chain, [type, sender.text, String(nonce), String(fee), payload]).digest
    }

    /// The bytes of the canonical payload, which the fee is counted by.
    package var payloadSize: Int { canonicalPayload.utf8.count }

    /// Throws `bad_signature` unless the key is the sender's and the signature holds.
    ///
    /// - Parameter known: the key that the chain has seen for the sender, if any.
    package func checkSignature(hash: Digest, known: PublicKey?) throws(Problem) {
        guard let key = publicKey ?? known else {
            throw Problem(.badSignature, "the chain has not seen the sender's key yet: send \"pubkey\"")
        }
        guard key.address == sender else { throw Problem(.badSignature, "\"pubkey\" is not the sender's key") }
        guard key.verifies(signature, of: hash) else { throw Problem(.badSignature, "the sender's signature does not hold") }
    }
}
