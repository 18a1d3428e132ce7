import Jobs
import Testing

@Suite("Tiers follow from measured figures") struct TierPolicyTests {
    @Test(
        "Each limit counts",
        arguments: [
            (120e9, 40e9, 16, Tier.trainer), (99e9, 40e9, 16, .aggregator), (120e9, 7e9, 16, .inference), (120e9, 40e9, 4, .inference),
            (19e9, 40e9, 64, .feedback),
            (500e9, 80e9, 1, .feedback), (20e9, 0, 2, .inference),
        ]) func limits(flops: Double, bandwidth: Double, gibibytes: Int64, tier: Tier)
    {
        #expect(TierPolicy.tier(f32FlopsPerSecond: flops, memoryBytesPerSecond: bandwidth, memoryBytes: gibibytes << 30) == tier)
    }

    @Test("What is unknown meets no limit") func unknown() {
        #expect(TierPolicy.tier(f32FlopsPerSecond: nil, memoryBytesPerSecond: 1e12, memoryBytes: 1 << 40) == .feedback)
        #expect(TierPolicy.tier(f32FlopsPerSecond: 1e13, memoryBytesPerSecond: nil, memoryBytes: 1 << 40) == .inference)
        #expect(TierPolicy.tier(f32FlopsPerSecond: 1e13, memoryBytesPerSecond: 1e12, memoryBytes: nil) == .feedback)
        #expect(TierPolicy.tier(f32FlopsPerSecond: .nan, memoryBytesPerSecond: .nan, memoryBytes: 1 << 40) == .feedback)
    }

    @Test("More of anything never lowers the tier") func monotonic() {
        let speeds = [0, 10e9, 20e9, 60e9, 100e9, 1e12]
        let sizes: [Int64] = [0, 1 << 30, 2 << 30, 8 << 30, 1 << 40]
        for (slow, fast) in zip(speeds, speeds.dropFirst()) {
            for memory in sizes {
                #expect(
                    TierPolicy.tier(f32FlopsPerSecond: slow, memoryBytesPerSecond: slow, memoryBytes: memory)
                        <= TierPolicy.tier(f32FlopsPerSecond: fast, memoryBytesPerSecond: fast, memoryBytes: memory))
            }
        }
        #expect(TierPolicy.table.map(\.tier) == Tier.allCases.sorted().reversed())
    }
}
