package import Signing
package import Wire

/// A coordinator's signed offer: this job, in so many parts, for this price, until that height (PROTOCOL section 4).
package struct Quote: Hashable, Sendable {
    package let jobID: JobID
    package let client: Address
    package let specHash: Digest
    package let salt: Salt
    /// For the whole job; 0 … 2^53−1.
    package let computeUnits: Int64
    /// For the whole job, in base units; ≥ 1.
    package let price: Int64
    /// 1 … `Quote.maxParts`.
    package let parts: Int64
    package let coordinator: PublicKey
    /// The last height at which the deposit may be in a block.
    package let expiresHeight: Int64
    package let signature: Signature

    /// The most parts a job may have; its escrow lists the claimed ones.
    package static let maxParts: Int64 = 4096

    /// The terms, signed by the coordinator; the job's name follows from them.
    ///
    /// Throws `out_of_range` for a price, number of parts or height outside its range.
    package static func signed(
        by key: PrivateKey, chain: ChainID, client: Address, specHash: Digest, salt: Salt,
        computeUnits: Int64, price: Int64, parts: Int64 = 1, expiresHeight: Int64
    ) throws(Problem) -> Quote {
        guard Amount.range.contains(computeUnits), (1...JSON.maxInteger).contains(price), (1...maxParts).contains(parts),
            Amount.range.contains(expiresHeight)
        else {
            throw Problem(.outOfRange, "a quote's units, price, parts or height is out of range")
        }
        let job = JobID.derive(chain: chain, client: client, specHash: specHash, salt: salt)
        let digest = preimage(chain, job, client, specHash, salt, computeUnits, price, parts, expiresHeight)
        return Quote(
            jobID: job, client: client, specHash: specHash, salt: salt, computeUnits: computeUnits, price: price, parts: parts,
            coordinator: key.publicKey, expiresHeight: expiresHeight, signature: key.sign(digest))
    }

    private static func preimage(
        _ chain: ChainID, _ job: JobID, _ client: Address, _ specHash: Digest, _ salt: Salt,
        _ units: Int64, _ price: Int64, _ parts: Int64, _ expires: Int64
    ) -> Digest {
        Preimage(
            "adit.quote.v1", chain,
            [job.text, client.text, specHash.hex, salt.text, String(units), String(price), String(parts), String(expires)]
        ).digest
    }

    /// What the coordinator signs.
    package func digest(on chain: ChainID) -> Digest {
        Self.preimage(chain, jobID, client, specHash, salt, computeUnits, price, parts, expiresHeight)
    }

    /// Whether the name follows from the terms and the signature is the named coordinator's. Whether the chain lists that
    /// coordinator is a question of state.
    package func holds(on chain: ChainID) -> Bool {
        namesItsJob(on: chain) && coordinator.verifies(signature, of: digest(on: chain))
    }

    func namesItsJob(on chain: ChainID) -> Bool {
        JobID.derive(chain: chain, client: client, specHash: specHash, salt: salt) == jobID
    }
}

extension Quote {
    /// Reads a quote; unknown members are refused.
    package init(_ json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "quote")
        jobID = try fields.jobID("job_id")
        client = try fields.address("client_addr")
        specHash = try fields.digest("spec_hash")
        salt = try fields.nonce16("salt")
        computeUnits = try fields.integer("compute_units")
        price = try fields.integer("price", in: 1...JSON.maxInteger)
        parts = try fields.integer("parts", in: 1...Self.maxParts)
        coordinator = try fields.publicKey("coordinator_pubkey")
        expiresHeight = try fields.integer("expires_height")
        signature = try fields.signature("sig")
        try fields.finish()
    }

    package var json: JSON {
        [
            "job_id": .string(jobID.text),
            "client_addr": .string(client.text),
            "spec_hash": .string(specHash.hex),
            "salt": .string(salt.text),
            "compute_units": .integer(computeUnits),
            "price": .integer(price),
            "parts": .integer(parts),
            "coordinator_pubkey": .string(coordinator.hex),
            "expires_height": .integer(expiresHeight),
            "sig": .string(signature.hex),
        ]
    }

    /// The compute units of one part; throws `out_of_range` for a part that isn't there.
    package func units(of part: Int64) throws(Problem) -> Int64 { try Amount.share(of: computeUnits, part: part, parts: parts) }

    /// The price of one part in base units; throws `out_of_range` for a part that isn't there.
    package func price(of part: Int64) throws(Problem) -> Int64 { try Amount.share(of: price, part: part, parts: parts) }
}
