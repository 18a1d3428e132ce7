import Foundation
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

    @Test func theNextOpeningIsRightOverDaylightSaving() throws {
        let zone = try #require(TimeZone(identifier: "Europe/Berlin"))
        let offset = { (unix: Int64) in zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(unix))) }
        /// 2026-03-29 01:00 UTC clocks go from 02:00 to 03:00; 2026-10-25 01:00 UTC from 03:00 back to 02:00. Both are Sundays.
        let spring = Int64(1_774_746_000)
        let autumn = Int64(1_792_890_000)
        #expect(offset(spring - 1) == 3600 && offset(spring) == 7200 && offset(autumn - 1) == 7200 && offset(autumn) == 3600)
        let cases: [(String, Int64, Int64)] = [
            ("sun 18:00-20:00", spring - 5400, spring + 15 * 3600), ("sun 02:30-05:00", spring - 5400, spring),
            ("sun 02:10-02:50; mon 00:00-01:00", spring - 60, spring + 21 * 3600),
            ("sun 03:00-04:00", spring - 30, spring), ("sun 18:00-20:00", autumn - 7200, autumn + 16 * 3600), ("sun 02:30-02:40", autumn - 3600, autumn - 1800),
            ("sun 02:30-02:40", autumn - 1000, autumn + 1800), ("sun 02:30-02:40", autumn - 1750, autumn - 1750),
        ]
        for (text, now, expected) in cases {
            let schedule = try WeeklySchedule(text: text)
            #expect(schedule.opening(from: now, offset: offset) == expected, "\(text) from \(now)")
            // By brute force.
            var instant = now
            while !schedule.isOpen(at: WeeklySchedule.minute(unixSeconds: instant, offset: offset(instant))) {
                instant += instant % 60 == 0 ? 60 : 60 - instant % 60
            }
            #expect(instant == expected)
        }
        #expect(WeeklySchedule(open: []).opening(from: 0, offset: offset) == nil)
        #expect(WeeklySchedule(open: [0..<1]).opening(from: .max, offset: { _ in 0 }) == nil)
    }
}
