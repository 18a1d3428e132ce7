import Testing

@testable import MinerNode

@Suite("A device's pace") struct PacerTests {
    private let start = ContinuousClock.now

    private func at(_ seconds: Double) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    @Test("A job that doesn't rest counts as work while it runs, and once") func running() {
        let pacer = Pacer()
        #expect(pacer.worked(now: at(0)) == .zero)
        pacer.begin(now: at(1))
        #expect(pacer.worked(now: at(3)) == .seconds(2))
        #expect(pacer.worked(now: at(3)) == .seconds(2))
        #expect(pacer.worked(now: at(2)) == .seconds(2), "a clock that goes back takes nothing away")
        pacer.end(now: at(7))
        #expect(pacer.worked(now: at(60)) == .seconds(6), "nothing runs any more")
    }

    @Test("What stands still is no work") func still() {
        let pacer = Pacer()
        pacer.begin(now: at(-5))
        pacer.rest { true }
        let before = pacer.worked()
        #expect(pacer.worked(now: at(3_600)) == before)
    }

    @Test("Work before the share fell owes no rest; work after it does") func owes() {
        let pacer = Pacer()
        pacer.begin(now: at(0))
        pacer.pace(duty: 0.5, now: at(600))
        #expect(!pacer.isDue(now: at(600.1)), "ten minutes at full speed are paid")
        #expect(pacer.isDue(now: at(600.3)))
        pacer.pace(duty: 0.5, batchShare: 0.25, now: at(600.3))
        #expect(pacer.isDue(now: at(600.3)), "0.3 s are owed")
        pacer.pace(duty: 1, now: at(601))
        #expect(!pacer.isDue(now: at(700)))
    }
}
