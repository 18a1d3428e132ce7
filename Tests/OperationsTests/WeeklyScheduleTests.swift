import Operations
import Testing

@Suite struct WeeklyScheduleTests {
    @Test func rangesAreSortedJoinedAndCut() {
        let schedule = WeeklySchedule(open: [600..<700, 0..<60, 60..<90, 650..<720, 10_000..<20_000, 5..<5])
        #expect(schedule.open == [0..<90, 600..<720, 10_000..<10_080])
        #expect(schedule.isOpen(at: 0) && schedule.isOpen(at: 89) && !schedule.isOpen(at: 90) && schedule.isOpen(at: 10_079) && !schedule.isOpen(at: 10_080))
    }
}
