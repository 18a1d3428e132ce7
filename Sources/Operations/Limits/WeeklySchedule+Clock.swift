// A week in local time beside Unix time. How far local time is ahead of UTC, in seconds, comes in as a function of the instant: the machine's
// time zone in a miner, any zone in a test.
extension WeeklySchedule {
    /// The minute of the week in 0..<10080 since Monday 00:00, at a local time `offset` seconds ahead of UTC.
    package static func minute(unixSeconds: Int64, offset: Int) -> Int {
        // 1970-01-01 was a Thursday: three days into its week. Any 64-bit number may come in.
        let week = Int64(minutes) * 60
        let local = (unixSeconds % week + Int64(offset) % week + 3 * Int64(dayMinutes) * 60) % week
        return Int((local + week) % week / 60)
    }

    /// The first second at or after `now` at which work may run, in Unix seconds; nil if it never may.
    ///
    /// Right over changes of daylight saving: an opening in an hour that is left out is the first open minute after it, an hour that comes twice is
    /// open twice.
    package func opening(from now: Int64, offset: (Int64) -> Int) -> Int64? {
        guard !open.isEmpty, (Int64.min / 2...Int64.max / 2).contains(now) else { return nil }
        // By quarters of an hour, for which no zone changes its offset there and back; eight days, since a week may be an hour longer.
        let quarter: Int64 = 900
        var instant = now
        while instant - now <= 8 * Int64(Self.dayMinutes) * 60 {
            let here = offset(instant)
            let end = instant + quarter
            if offset(end) == here {
                guard let wait = minutesToOpening(from: Self.minute(unixSeconds: instant, offset: here)) else { return nil }
                if wait == 0 { return instant }
                let opening = Self.wholeMinute(instant) + Int64(wait) * 60
                if opening <= end { return opening }
            } else {
                var minute = instant
                while minute < end {
                    if isOpen(at: Self.minute(unixSeconds: minute, offset: offset(minute))) { return minute }
                    minute = Self.wholeMinute(minute) + 60
                }
            }
            instant = Self.wholeMinute(end)
        }
        return nil
    }

    /// Rounded down to a minute, before 1970 too.
    private static func wholeMinute(_ unixSeconds: Int64) -> Int64 { unixSeconds - (unixSeconds % 60 + 60) % 60 }
}
