import Wire

/// How much of the last minute something was at work, what is under way included. Times are from the meter's beginning.
struct BusyMeter: Sendable {
    private static let window = 60

    /// Seconds of work in each second, by the second's number modulo the room: the window, and the second that runs.
    private var worked = [(second: Int, seconds: Double)](repeating: (-1, 0), count: window + 1)
    /// Several at once count as one.
    private var running = 0
    private var since: Double = 0

    mutating func begin(at now: Duration) {
        if running == 0 { since = max(0, now.seconds) }
        running += 1
    }

    mutating func end(at now: Duration) {
        guard running > 0 else { return }
        running -= 1
        if running == 0 { add(to: max(since, now.seconds)) }
    }

    /// 0…1, of the minute that ends now, or of the time since the beginning where that is shorter.
    func share(at now: Duration) -> Double {
        let end = max(0, now.seconds)
        var all = self
        if running > 0 { all.add(to: max(since, end)) }
        let first = max(0, end - Double(Self.window))
        // Of the second that the minute begins in, its share of the minute.
        let sum = all.worked.reduce(0) { sum, one in
            let inside = min(1, max(0, Double(one.second + 1) - first))
            return one.second >= 0 && Double(one.second) <= end ? sum + one.seconds * inside : sum
        }
        return end > first ? min(1, sum / (end - first)) : 0
    }

    private mutating func add(to end: Double) {
        var from = max(since, end - Double(Self.window))
        while from < end {
            let second = Int(from)
            let to = min(end, Double(second + 1))
            let place = second % worked.count
            if worked[place].second != second { worked[place] = (second, 0) }
            worked[place].seconds += to - from
            from = to
        }
    }
}
