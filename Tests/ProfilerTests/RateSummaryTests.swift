import Kernels
import Profiler
import Testing

@Suite("Rates in short") struct RateSummaryTests {
    private func row(_ size: Int, _ perSecond: Int64, _ member: String? = nil, share: Int64? = nil) -> RateRow {
        RateRow(
            device: "cpu", backend: member == nil ? "native" : "cpu", member: member, kind: .gemm, arithmetic: .f32Panel256, size: [size, size, size],
            perSecond: perSecond, peakPerSecond: share.map { _ in 1 }, peakName: share.map { _ in "fma" }, shareMillionths: share, rounds: 1,
            spreadMillionths: 0,
            work: 1, trafficBytes: 1)
    }

    @Test("The best of all sizes and backends, with its share and its maker, in 80 columns") func best() {
        let hash = RateRow(
            device: "cpu", backend: "cpu", kind: .sha256, size: [4], perSecond: 2_030_000_000, rounds: 1, spreadMillionths: 0, work: 4, trafficBytes: 0)
        let rows = [row(256, 50_000_000_000), row(2_048, 412_400_000_000, "cpu openblas SkylakeX, 2 threads", share: 861_000), hash]
        let lines = RateTable(rows: rows, threads: 2, isQuick: false).summary
        #expect(
            lines == [
                "rates      the best of its sizes            a second  of peak  by",
                "cpu        products F32 to the bit         412 GFLOP   86.1 %  openblas SkylakeX",
                "cpu        SHA-256                           2.03 GB        -  cpu",
            ])
        #expect(lines.allSatisfy { $0.count <= 80 })
        #expect(RateTable(rows: [], threads: 1, isQuick: true).summary.isEmpty)
    }
}
