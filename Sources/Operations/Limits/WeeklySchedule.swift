/// Hours of the week at which work may run, in local time, minute by minute.
package struct WeeklySchedule: Sendable, Equatable {
    /// Minutes since Monday 00:00, each range half open and inside 0..<10080, ascending, apart from each other.
    package let open: [Range<Int>]

    /// Minutes of a day and of a week.
    package static let dayMinutes = 24 * 60
    package static let minutes = 7 * dayMinutes

    /// - Parameter open: any ranges within 0..<10080; they are sorted and joined.
    package init(open ranges: [Range<Int>]) {
        var joined: [Range<Int>] = []
        for range in ranges.map({ $0.clamped(to: 0..<Self.minutes) }).filter({ !$0.isEmpty }).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = joined.last, range.lowerBound <= last.upperBound {
                joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        open = joined
    }

    /// Whether work may run at a minute since Monday 00:00.
    package func isOpen(at minute: Int) -> Bool { open.contains { $0.contains(minute) } }

    /// The minute of the week in 0..<10080 since Monday 00:00, at a local time `offset` seconds ahead of UTC.
    package static func minute(unixSeconds: Int64, offset: Int) -> Int {
        // 1970-01-01 was a Thursday: three days into its week. Any 64-bit number may come in.
        let week = Int64(minutes) * 60
        let local = (unixSeconds % week + Int64(offset) % week + 3 * Int64(dayMinutes) * 60) % week
        return Int((local + week) % week / 60)
    }
}
