import Operations
import TestSupport
import Testing
import Wire

@Suite struct WeeklyScheduleTests {
    @Test func rangesAreSortedJoinedAndCut() {
        let schedule = WeeklySchedule(open: [600..<700, 0..<60, 60..<90, 650..<720, 10_000..<20_000, 5..<5])
        #expect(schedule.open == [0..<90, 600..<720, 10_000..<10_080])
        #expect(schedule.isOpen(at: 0) && schedule.isOpen(at: 89) && !schedule.isOpen(at: 90) && schedule.isOpen(at: 10_079) && !schedule.isOpen(at: 10_080))
    }

    @Test func nightsBelongToTheDayTheyBegin() throws {
        let schedule = try WeeklySchedule(text: "mon-fri 18:00-08:00; sat,sun 00:00-24:00")
        let day = 1440
        #expect(!schedule.isOpen(at: 0), "Monday's small hours would be Sunday night's")
        #expect(schedule.isOpen(at: 18 * 60) && schedule.isOpen(at: day + 479) && !schedule.isOpen(at: day + 480))
        #expect(schedule.open.last == 4 * day + 1080..<7 * day, "from Friday evening to the week's end")
        #expect(try WeeklySchedule(text: "sun 23:00-01:00").open == [0..<60, 6 * day + 1380..<7 * day])
        #expect(try WeeklySchedule(text: "sat-mon 10:00-11:00").open == [600..<660, 5 * day + 600..<5 * day + 660, 6 * day + 600..<6 * day + 660])
    }

    @Test(arguments: [
        ("mon-fri 18:00-08:00; sat,sun 00:00-24:00", "mon-thu 18:00-08:00; fri 18:00-24:00; sat,sun 00:00-24:00"),
        ("mon-sun 00:00-24:00", "mon-sun 00:00-24:00"),
        ("SUN 23:00-01:00;", "sun 23:00-01:00"), ("mon 0:00-6:30, 12:00 - 13:00", "mon 00:00-06:30,12:00-13:00"), ("wed 12:00-00:00", "wed 12:00-24:00"),
        ("mon,tue,thu,fri,sat 09:00-10:00", "mon,tue,thu-sat 09:00-10:00"),
    ])
    func textIsWrittenShort(text: String, written: String) throws { #expect(try WeeklySchedule(text: text).text == written) }

    @Test func whatIsWrittenIsReadTheSame() throws {
        var random = TestRandom(1)
        for _ in 0..<500 {
            let ranges = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                let start = Int.random(in: 0..<10_080, using: &random)
                return start..<min(10_080, start + Int.random(in: 1...4000, using: &random))
            }
            let schedule = WeeklySchedule(open: ranges)
            #expect(try WeeklySchedule(text: schedule.text) == schedule, "\(ranges): \(schedule.text)")
        }
    }

    @Test(arguments: [
        ("", "part 1"), ("mon", "part 1"), ("mon-fri 18:00-08:00; xyz 01:00-02:00", "part 2 of the schedule: \"xyz\""), ("mon 25:00-26:00", "25:00-26:00"),
        ("mon 08:00", "08:00"), ("mon 08:00-08:00", "00:00-24:00"), ("mon 08:60-09:00", "08:60"), ("mon-tue-wed 08:00-09:00", "mon-tue-wed"),
        ("mon, 08:00-09:00", "is not a day"), ("mon 24:00-08:00", "24:00-08:00"), ("mon 08:00-09:00:00", "09:00:00"), ("mon +1:00-02:00", "+1:00"),
    ])
    func mistakesNameTheirPlace(text: String, word: String) {
        let problem = #expect(throws: Problem.self) { try WeeklySchedule(text: text) }
        #expect(
            problem?.detail.contains(word) == true && problem?.detail.contains("mon-fri 18:00-08:00; sat,sun 00:00-24:00") == true, "\(problem?.detail ?? "")")
    }

    @Test func minutesFollowTheLocalClock() {
        #expect(WeeklySchedule.minute(unixSeconds: 0, offset: 0) == 3 * 1440, "a Thursday")
        #expect(WeeklySchedule.minute(unixSeconds: -1, offset: 0) == 3 * 1440 - 1)
        #expect(WeeklySchedule.minute(unixSeconds: 4 * 86_400, offset: -60) == 10_079, "Sunday's last minute")
        for wild in [Int64.min, .max, 0] { #expect((0..<10_080).contains(WeeklySchedule.minute(unixSeconds: wild, offset: wild == 0 ? .min : 86_400))) }
    }
}
