import Jobs
import Profiler
import Testing
import Wire

@Suite("A tier, what decided it, and what the next one wants") struct TierVerdictTests {
    @Test("The figure that is furthest from the next tier decides") func decides() {
        let verdict = TierVerdict(f32FlopsPerSecond: 76.1e9, memoryBytesPerSecond: 30.6e9, memoryBytes: 24 << 30)
        #expect(verdict.tier == .aggregator && verdict.next == .trainer)
        #expect(verdict.decisive?.figure == .f32Products)
        #expect(verdict.sentences.first == "F32 products: 76.1 GFLOP/s; trainer wants 100 GFLOP/s")
        let two = TierVerdict(f32FlopsPerSecond: 15e9, memoryBytesPerSecond: 2e9, memoryBytes: 1 << 30)
        #expect(two.tier == .feedback && two.next == .inference)
        #expect(two.missing.map(\.figure) == [.memory, .f32Products], "half of the memory, three quarters of the speed; traffic isn't asked for")
    }

    @Test("At the top: the figure nearest to its limit") func top() {
        let verdict = TierVerdict(f32FlopsPerSecond: 400e9, memoryBytesPerSecond: 16e9, memoryBytes: 64 << 30)
        #expect(verdict.tier == .trainer && verdict.next == nil && verdict.missing.isEmpty)
        #expect(verdict.decisive?.figure == .memoryTraffic)
        #expect(verdict.sentences == ["the highest tier; nearest to its limit: memory traffic, 16.0 GB/s, 2.00 times what it takes (8.00 GB/s)"])
    }

    @Test("Unknown figures are said to be unknown, and not a number is unknown") func unknown() {
        for value in [nil, Double.nan] {
            let verdict = TierVerdict(f32FlopsPerSecond: value, memoryBytesPerSecond: nil, memoryBytes: nil)
            #expect(verdict.tier == .feedback)
            #expect(verdict.sentences.contains("F32 products: unknown; inference wants 20.0 GFLOP/s"))
            #expect(verdict.json["missing"]?.arrayValue?.first?["value"] == .null)
        }
    }

    @Test("Every tier has its reason") func reasons() {
        #expect(TierPolicy.table.allSatisfy { !$0.reason.isEmpty })
    }
}
