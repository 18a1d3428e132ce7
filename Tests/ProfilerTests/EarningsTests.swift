import Jobs
import Profiler
import Signing
import Testing
import Wire

@Suite("What a machine could have earned yesterday") struct EarningsTests {
    private static let day: Int64 = 86_400_000

    private static func state(units: Int64, paid: Int64, others: Int64, mint: Int64 = 10, burn: Int64 = 1_000, isTold: Bool = true) throws -> NetworkState {
        let demand = NetworkDemand(
            sinceMilliseconds: 0, untilMilliseconds: day, kernels: ["gemm": NetworkDemand.Sum(jobs: 1, units: units, paid: paid)], hourlyUnits: [units])
        return NetworkState(
            chain: try ChainID("ait-test"), coordinator: try PrivateKey(seed: [UInt8](repeating: 1, count: 32)).publicKey, height: 1, pricePerUnit: 100,
            maxBlobBytes: 1, workers: [:], draining: 0, utilization: 0, f32FlopsPerSecond: others, jobs: [:], mintPerUnit: mint, burnBps: burn,
            demand: isTold ? demand : nil)
    }

    @Test("The share of the demand by speed, and all that fits") func range() throws {
        // A machine of 10^9 does 1,000 units a second, 86.4 million a day; three others like it are there; 2,000,000 units at 100 were asked for.
        let earnings = try #require(Earnings(try Self.state(units: 2_000_000, paid: 200_000_000, others: 3_000_000_000), f32: 1_000_000_000))
        // 100 less a tenth burned, and the mint of 10.
        #expect(earnings.perUnit == 100)
        #expect(earnings.low == 50_000_000)
        #expect(earnings.high == 200_000_000)
        #expect(earnings.ownUnits == 86_400_000)
        #expect(earnings.demandedUnits == 2_000_000)
    }

    @Test("More demand than a machine can do is bounded by what it does in a day") func bounded() throws {
        let earnings = try #require(Earnings(try Self.state(units: 1 << 50, paid: 1 << 50, others: 0, mint: 0, burn: 0), f32: 1_000_000_000))
        #expect(earnings.low == 86_400_000)
        #expect(earnings.high == 86_400_000)
    }

    @Test("Without demand, without a rate, with nonsense: nothing is promised") func unknown() throws {
        #expect(Earnings(try Self.state(units: 1, paid: 1, others: 1, isTold: false), f32: 1) == nil)
        #expect(Earnings(try Self.state(units: 1, paid: 1, others: 1), f32: 0) == nil)
        let nothing = try #require(Earnings(try Self.state(units: 0, paid: 0, others: 0), f32: 1_000_000_000))
        #expect(nothing.low == 0 && nothing.high == 0)
        let huge = try #require(Earnings(try Self.state(units: JSON.maxInteger, paid: JSON.maxInteger, others: 0, mint: JSON.maxInteger), f32: JSON.maxInteger))
        #expect(huge.low <= huge.high)
    }
}
