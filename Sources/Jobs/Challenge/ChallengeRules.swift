import Wire

/// How tiers are earned with a coordinator: sizes and times of challenges, each with its reason.
package struct ChallengeRules: Sendable, Equatable {
    /// Whether tiers are earned at all; without it a worker's word is taken.
    package var areEarned = true
    /// For who claims `inference` or `aggregator`, 20 GFLOP/s: 17.2 GFLOP, 0.86 s at that rate.
    ///
    /// Random inputs are made at about 1 GB/s, so that making A and B, 4·k·(m+n) bytes, takes the share 2·R·(m+n)/(m·n·10^9) of the product's
    /// time at R FLOP/s: 0.08 here. A and B have 32 MiB each, C 4 MiB, which is little to send.
    package var usual = CapabilityChallenge.Size(m: 1024, n: 1024, k: 8192)
    /// For who claims `trainer`, 100 GFLOP/s: 68.7 GFLOP, 0.69 s; the inputs' share is 0.2. A and B have 64 MiB each, C 16 MiB.
    package var large = CapabilityChallenge.Size(m: 2048, n: 2048, k: 8192)
    /// What goes by beside the product and is not held against the worker: 0.13 s for the large one's inputs, 0.04 s for hashing C, and two
    /// trips over a slow line. Never more than a quarter of the time that it took, so that no rate is seen more than a third too high.
    package var allowanceMilliseconds: Int64 = 500
    /// A tier's limit is met by so many per cent of it: the worker's own figure is the best of many runs, this is one.
    package var tolerancePercent: Int64 = 90
    /// How long C may take to follow its root: 16 MiB at 56 KB/s.
    package var outputMilliseconds: Int64 = 300_000
    /// Workers of one payout address are challenged together, and not more often than this: whoever names another's address can't keep it busy.
    package var roundMilliseconds: Int64 = 60_000
    /// After a challenge that showed what was claimed, the next one comes in half to one and a half times this: nobody can prepare for it.
    package var renewalMilliseconds: Int64 = 86_400_000
    /// After one that did not: the first pause, four times as long with each further one, up to the renewal's.
    package var retryMilliseconds: Int64 = 60_000
    /// What a challenge has shown counts for a week, as long as a profile does.
    package var lapseMilliseconds: Int64 = 604_800_000
    /// Smaller jobs tell more of the line than of the machine: 0.1 s at 100 GFLOP/s.
    package var leastWorkUnits: Int64 = 10_000

    package init() {}

    /// Every worker's word is taken.
    package static var claimed: ChallengeRules {
        var rules = ChallengeRules()
        rules.areEarned = false
        return rules
    }

    package func size(for claimed: Tier) -> CapabilityChallenge.Size { claimed == .trainer ? large : usual }

    /// When an answer shows nothing any more: it would be below the lowest limit of any tier above `feedback`.
    package func answerMilliseconds(_ size: CapabilityChallenge.Size) -> Int64 {
        let lowest = TierPolicy.table.map(\.f32FlopsPerSecond).filter { $0 > 0 }.min() ?? 1
        // Over three quarters of the time, at the most, goes to the product.
        return Int64((Self.operations(size) / (lowest * Double(tolerancePercent) / 100) * 4 / 3 * 1000).rounded(.up))
    }

    /// F32 operations per second that a root shows which came after so long.
    package func rate(_ size: CapabilityChallenge.Size, elapsedMilliseconds: Int64) -> Int64 {
        let elapsed = max(1, elapsedMilliseconds)
        let product = Double(elapsed - min(allowanceMilliseconds, elapsed / 4)) / 1000
        return Int64(min(Self.operations(size) / product, Double(JSON.maxInteger)))
    }

    /// 2·m·n·k.
    static func operations(_ size: CapabilityChallenge.Size) -> Double { 2 * Double(size.m) * Double(size.n) * Double(size.k) }
}
