package import Wire

/// Where a coordinator places a worker: the tier that counts when jobs are given out, and why it isn't the one that the worker claims.
package struct TierPlacement: Sendable, Equatable {
    /// The tier that counts.
    package let tier: Tier
    package let claimed: Tier
    /// In F32 operations per second: what challenges and verified work have shown; 0 where nothing was.
    package let provenRate: Int64
    /// Why the tier is lower than claimed, and what would raise it; nil where it isn't. Printable ASCII, up to 256 bytes.
    package let detail: String?

    package init(tier: Tier, claimed: Tier, provenRate: Int64, detail: String?) {
        (self.tier, self.claimed, self.provenRate, self.detail) = (tier, claimed, provenRate, detail)
    }

    /// Why the worker gets less than it claims; nil if it doesn't.
    package var reason: WorkReason? { tier < claimed ? .tierTooLow : nil }

    /// The lower one of what the worker claims and what the tier policy gives for what it has shown.
    ///
    /// Memory and bandwidth are what it registered: too little of them costs a tier, more than there is of them shows when jobs fail.
    package init(_ registration: WorkerRegistration, _ view: WorkerView, now: Int64, _ rules: ChallengeRules) {
        let (claimed, profile) = (registration.tier, registration.profile)
        let proven = view.provenRate(now: now, rules)
        guard rules.areEarned else {
            self.init(tier: claimed, claimed: claimed, provenRate: proven, detail: nil)
            return
        }
        let lenient = Double(proven) * 100 / Double(max(1, rules.tolerancePercent))
        let shown = TierPolicy.tier(
            f32FlopsPerSecond: lenient, memoryBytesPerSecond: Double(profile.memoryBytesPerSecond), memoryBytes: profile.memoryBytes)
        let tier = min(claimed, shown)
        var detail: String?
        if tier < claimed {
            let wanted = TierPolicy.table.first { $0.tier == claimed }?.f32FlopsPerSecond ?? 0
            detail =
                if lenient < wanted {
                    Self.detail(view, proven: proven, wanted: wanted, unknown: view.isUnknown(now: now, rules))
                } else {
                    "the registered memory or its bandwidth is below what \(claimed.rawValue) asks for"
                }
        }
        self.init(tier: tier, claimed: claimed, provenRate: proven, detail: detail)
    }

    private static func detail(_ view: WorkerView, proven: Int64, wanted: Double, unknown: Bool) -> String {
        let shown = "\(proven / 1_000_000_000) of \(Int64(wanted / 1e9)) GFLOP/s shown"
        if unknown { return shown + "; the next challenge decides" }
        return switch view.verdict {
        case .late, .noAnswer: shown + "; the last challenge was not answered in time"
        case .noOutput: shown + "; the last challenge's output did not follow"
        case .wrong: shown + "; the last challenge's output was wrong"
        case .passed, nil: shown
        }
    }

    package init(json: JSON) throws(Problem) {
        var fields = try JSONFields(json, "placement")
        tier = try Tier(name: try fields.string("tier", maxBytes: 32))
        claimed = try Tier(name: try fields.string("claimed", maxBytes: 32))
        provenRate = try fields.integer("f32FlopsPerSecond")
        detail = try fields.optionalString("detail", maxBytes: 256).map(NoWork.printable)
    }

    package var json: JSON {
        .members([
            ("tier", .string(tier.rawValue)), ("claimed", .string(claimed.rawValue)), ("f32FlopsPerSecond", .integer(provenRate)),
            ("reason", reason.map { .string($0.rawValue) }), ("detail", detail.map { .string($0) }),
        ])
    }
}
