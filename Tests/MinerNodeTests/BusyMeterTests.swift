import Testing

@testable import MinerNode

@Suite("How much of the last minute a device was at work") struct BusyMeterTests {
    @Test("What is under way counts, and what is older than a minute doesn't") func window() {
        var meter = BusyMeter()
        #expect(meter.share(at: .zero) == 0 && meter.share(at: .seconds(10)) == 0)
        meter.begin(at: .seconds(10))
        #expect(meter.share(at: .seconds(20)) == 0.5, "the meter is younger than a minute")
        meter.end(at: .seconds(40))
        #expect(abs(meter.share(at: .seconds(60)) - 0.5) < 1e-9)
        #expect(abs(meter.share(at: .seconds(85)) - 0.25) < 1e-9)
        #expect(meter.share(at: .seconds(100)) == 0)
        meter.begin(at: .milliseconds(100_500))
        #expect(abs(meter.share(at: .seconds(1_000)) - 1) < 1e-9)
        meter.end(at: .seconds(1_000))
        #expect(abs(meter.share(at: .milliseconds(1_030_500)) - 29.5 / 60) < 1e-9)
    }

    @Test("A thousand short ones are as much as one long one, and two at once count once") func sums() {
        var meter = BusyMeter()
        for step in 0..<60_000 where step % 2 == 0 {
            meter.begin(at: .milliseconds(step))
            meter.end(at: .milliseconds(step + 1))
        }
        #expect(abs(meter.share(at: .seconds(60)) - 0.5) < 1e-6)
        meter.begin(at: .seconds(60))
        meter.begin(at: .seconds(70))
        meter.end(at: .seconds(80))
        meter.end(at: .seconds(90))
        #expect(abs(meter.share(at: .seconds(120)) - 0.5) < 1e-9)
        meter.end(at: .seconds(130))
        #expect(meter.share(at: .seconds(600)) == 0)
    }
}
