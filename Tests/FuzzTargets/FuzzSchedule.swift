import Operations
import Wire

/// Weekly schedules: ranges in order, and written as a text that says the same.
enum FuzzSchedule {
    static func run(_ bytes: [UInt8]) throws(FuzzTarget.Broken) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let schedule = accepted({ () throws(Problem) in try WeeklySchedule(text: text) }) else { return }
        var end = -1
        for range in schedule.open {
            try demand(range.lowerBound > end && !range.isEmpty && range.upperBound <= WeeklySchedule.minutes, "ranges that touch, or leave the week")
            end = range.upperBound
        }
        // It may come out longer than one may be: `1:00` is written `01:00`.
        if schedule.text.utf8.count <= 4096 {
            try demand(accepted { () throws(Problem) in try WeeklySchedule(text: schedule.text) } == schedule, "its text is another schedule")
        }
    }

    static let seeds: [(name: String, bytes: [UInt8])] = [
        ("nights", "mon-fri 18:00-08:00; sat,sun 00:00-24:00"),
        ("sunday", "sun 23:00-1:00"),
        ("many", "Mon,wed 8:00-9:30,22:00-24:00; fri-tue 12:00-13:00;"),
        ("always", "mon-sun 00:00-24:00"),
    ].map { ($0.0, Array($0.1.utf8)) }
}
