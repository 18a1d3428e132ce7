package import Signing
package import Wire

/// A worker's entry: `POST /workers`. The request's signer is the worker itself.
package struct WorkerRegistration: Sendable, Equatable {
    package let publicKey: PublicKey
    /// Where rewards go; may be a cold key's address.
    package let payout: Address
    package let tier: Tier
    package let profile: WorkerProfile

    /// The worker's address, which follows from its key.
    package var address: Address { publicKey.address }

    package init(publicKey: PublicKey, payout: Address, tier: Tier, profile: WorkerProfile) {
        self.publicKey = publicKey
        self.payout = payout
        self.tier = tier
        self.profile = profile
    }

    /// Reads `{"publicKey", "payout", "tier", "profile"}`; unknown members are refused.
    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "worker")
        publicKey = try fields.publicKey("publicKey")
        payout = try fields.address("payout")
        tier = try Tier(name: try fields.string("tier", maxBytes: 32))
        profile = try WorkerProfile(json: try fields.value("profile"))
        try fields.finish()
    }

    package var json: JSON {
        .members([
            ("publicKey", .string(publicKey.hex)),
            ("payout", .string(payout.text)),
            ("tier", .string(tier.rawValue)),
            ("profile", profile.json),
        ])
    }

    /// Whether this worker may run a job that asks for `requirements` and holds `bytes` of tensors in memory.
    package func meets(_ requirements: Requirements, bytes: Int64) -> Bool { obstacle(requirements, bytes: bytes) == nil }

    /// What keeps such a job from this worker; nil if nothing does.
    ///
    /// - Parameter tier: the one that counts, where that is not what the worker claims.
    package func obstacle(_ requirements: Requirements, bytes: Int64, tier: Tier? = nil) -> WorkReason? {
        if let minTier = requirements.minTier, tier ?? self.tier < minTier { return .tierTooLow }
        if let device = requirements.device, !profile.devices.contains(where: { $0.kind == device }) { return .noSuchDevice }
        let (asked, overflow) = Int64(requirements.memoryMB ?? 0).multipliedReportingOverflow(by: 1 << 20)
        return overflow || max(asked, bytes) > profile.memoryBytes ? .memoryTooSmall : nil
    }
}
