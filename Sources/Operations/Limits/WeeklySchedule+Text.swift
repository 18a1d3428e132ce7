package import Wire

// The schedule as people write it: `mon-fri 18:00-08:00; sat,sun 00:00-24:00`. A range that ends at or before its beginning goes on into the
// next day and belongs to the day on which it begins.
extension WeeklySchedule {
    static let dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    static let example = "mon-fri 18:00-08:00; sat,sun 00:00-24:00"

    /// Reads a schedule.
    ///
    /// - Throws: `out_of_range` that names the place and shows an example.
    package init(text: String) throws(Problem) {
        guard text.utf8.count <= 4096 else { throw Problem(.outOfRange, "the schedule is over 4096 bytes long; write it like: \(Self.example)") }
        var ranges: [Range<Int>] = []
        for (index, part) in text.split(separator: ";", omittingEmptySubsequences: false).enumerated() {
            let words = part.split(whereSeparator: \.isWhitespace)
            // A semicolon at the end is no mistake.
            if words.isEmpty, index > 0 { continue }
            guard words.count >= 2 else {
                throw Self.problem(String(part), in: index, "must be days, a space and hours")
            }
            let days = try Self.days(words[0], in: index)
            for hours in words[1...].joined().split(separator: ",", omittingEmptySubsequences: false) {
                let span = try Self.hours(hours, in: index)
                for day in days {
                    let start = day * Self.dayMinutes + span.lowerBound
                    let end = day * Self.dayMinutes + span.upperBound
                    ranges.append(start..<min(end, Self.minutes))
                    if end > Self.minutes { ranges.append(0..<end - Self.minutes) }
                }
            }
        }
        self.init(open: ranges)
    }

    /// Such a text; reading it gives this schedule again. A schedule that is never open is the empty text.
    package var text: String {
        let spans = daily
        var groups: [(days: [Int], hours: String)] = []
        for day in 0..<7 where !spans[day].isEmpty {
            let hours = spans[day].map { "\(Self.clock($0.lowerBound))-\(Self.clock($0.upperBound))" }.joined(separator: ",")
            if let index = groups.firstIndex(where: { $0.hours == hours }) { groups[index].days.append(day) } else { groups.append(([day], hours)) }
        }
        return groups.map { "\(Self.names(of: $0.days)) \($0.hours)" }.joined(separator: "; ")
    }

    /// For each day the spans that begin on it, in minutes of that day; the end may lie on the next one.
    private var daily: [[Range<Int>]] {
        var whole = open
        // What runs on from Sunday into Monday is one span.
        if let first = whole.first, let last = whole.last, whole.count > 1, first.lowerBound == 0, last.upperBound == Self.minutes {
            whole.removeFirst()
            whole[whole.count - 1] = last.lowerBound..<Self.minutes + first.upperBound
        }
        var days = Array(repeating: [Range<Int>](), count: 7)
        for range in whole {
            var start = range.lowerBound
            while start < range.upperBound {
                let midnight = (start / Self.dayMinutes + 1) * Self.dayMinutes
                // As one span over midnight if it is shorter than a day and not just a day's end; longer ones are cut at midnights.
                let end = range.upperBound - start < Self.dayMinutes ? range.upperBound : min(range.upperBound, midnight)
                let day = start / Self.dayMinutes
                days[day % 7].append(start - day * Self.dayMinutes..<end - day * Self.dayMinutes)
                start = end
            }
        }
        return days.map { $0.sorted { $0.lowerBound < $1.lowerBound } }
    }

    /// `mon-fri` for three or more in a row, `sat,sun` otherwise.
    private static func names(of days: [Int]) -> String {
        var parts: [String] = []
        var index = 0
        while index < days.count {
            var end = index
            while end + 1 < days.count, days[end + 1] == days[end] + 1 { end += 1 }
            if end - index >= 2 {
                parts.append("\(dayNames[days[index]])-\(dayNames[days[end]])")
            } else {
                parts += days[index...end].map { dayNames[$0] }
            }
            index = end + 1
        }
        return parts.joined(separator: ",")
    }

    /// Minutes of a day, or of the next one, as `HH:MM`; midnight at an end is 24:00.
    private static func clock(_ minute: Int) -> String {
        let minute = minute > dayMinutes ? minute - dayMinutes : minute
        let (hours, rest) = minute.quotientAndRemainder(dividingBy: 60)
        return "\(hours < 10 ? "0" : "")\(hours):\(rest < 10 ? "0" : "")\(rest)"
    }

    private static func days(_ text: Substring, in index: Int) throws(Problem) -> [Int] {
        var days: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { name in dayNames.firstIndex(of: name.lowercased()) }
            switch (ends.count, ends.first ?? nil, ends.last ?? nil) {
            case (1, .some(let day), _): days.append(day)
            case (2, .some(let first), .some(let last)): days += (0...(last - first + 7) % 7).map { (first + $0) % 7 }
            default: throw problem(String(part), in: index, "is not a day; days are mon tue wed thu fri sat sun, as in mon-fri or sat,sun")
            }
        }
        return days
    }

    /// Minutes since the day's begin; the end may be on the next day.
    private static func hours(_ text: Substring, in index: Int) throws(Problem) -> Range<Int> {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { minute($0) }
        guard ends.count == 2, let start = ends[0], let end = ends[1], start < dayMinutes else {
            throw problem(String(text), in: index, "is not a range of hours from 00:00 to 24:00, such as 18:00-08:00")
        }
        guard start != end else { throw problem(String(text), in: index, "begins and ends at the same minute; a whole day is 00:00-24:00") }
        return start..<(end > start ? end : end + dayMinutes)
    }

    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...2).contains(parts[0].utf8.count), parts[1].utf8.count == 2,
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }), let hours = Int(parts[0]), let minutes = Int(parts[1]),
            minutes < 60, hours < 24 || hours == 24 && minutes == 0
        else { return nil }
        return hours * 60 + minutes
    }

    private static func problem(_ text: String, in index: Int, _ what: String) -> Problem {
        let shown = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return Problem(.outOfRange, "part \(index + 1) of the schedule: \"\(String(shown.prefix(40)))\" \(what). A whole one: \(example)")
    }
}
