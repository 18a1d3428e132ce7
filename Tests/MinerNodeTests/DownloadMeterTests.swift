import Testing
import Wire

@testable import MinerNode

@Suite("How fast inputs come") struct DownloadMeterTests {
    @Test("Unknown until a download tells something; then of the newest bytes") func window() {
        let meter = DownloadMeter()
        meter.add(bytes: DownloadMeter.telling - 1, took: .milliseconds(1))
        meter.add(bytes: DownloadMeter.telling, took: .zero)
        #expect(meter.rate == nil)
        meter.add(bytes: 1 << 20, took: .seconds(1))
        meter.add(bytes: 3 << 20, took: .seconds(1))
        #expect(meter.rate == DownloadMeter.Rate(bytesPerSecond: Double(2 << 20), bytes: 4 << 20))
        #expect(meter.rate?.json == ["bytes_per_second": .real(2_097_152), "bytes": 4_194_304])
        // What is older than the newest 256 MiB, or than 64 downloads, counts no more.
        for _ in 0..<4 { meter.add(bytes: 64 << 20, took: .milliseconds(500)) }
        #expect(meter.rate == DownloadMeter.Rate(bytesPerSecond: Double(128 << 20), bytes: 256 << 20))
        for _ in 0..<64 { meter.add(bytes: 1 << 20, took: .milliseconds(100)) }
        #expect(meter.rate?.bytes == 64 << 20)
        // One alone may be larger.
        meter.add(bytes: 1 << 40, took: .seconds(1 << 10))
        #expect(meter.rate == DownloadMeter.Rate(bytesPerSecond: Double(1 << 30), bytes: 1 << 40))
    }
}
