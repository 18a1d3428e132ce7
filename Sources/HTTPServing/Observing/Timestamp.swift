import Wire

/// Wall-clock time as RFC 3339 text in UTC.
enum Timestamp {
    /// Now, to the millisecond: `2026-02-28T23:59:59.999Z`.
    static func now() -> String {
        let (seconds, nanoseconds) = WallClock.now()
        return text(seconds: seconds, milliseconds: nanoseconds / 1_000_000)
    }

    /// - Parameter seconds: since 1970-01-01T00:00:00Z, not negative.
    static func text(seconds: Int64, milliseconds: Int64) -> String {
        let days = seconds / 86_400
        let rest = seconds % 86_400
        // Days to civil date, H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: eras of
        // 400 years that start on 1 March, so that a leap day is a year's last.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let calendarMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (calendarMonth <= 2 ? 1 : 0)
        var text: [UInt8] = []
        text.reserveCapacity(24)
        text.append(contentsOf: String(year).utf8)
        for (separator, number, width) in [
            ("-", calendarMonth, 2), ("-", day, 2), ("T", rest / 3600, 2), (":", rest / 60 % 60, 2), (":", rest % 60, 2), (".", milliseconds, 3),
        ] as [(Unicode.Scalar, Int64, Int64)] {
            text.append(UInt8(ascii: separator))
            if width == 3 { text.append(digit(number / 100)) }
            text.append(digit(number / 10))
            text.append(digit(number))
        }
        text.append(UInt8(ascii: "Z"))
        return String(decoding: text, as: UTF8.self)
    }

    private static func digit(_ number: Int64) -> UInt8 { UInt8(ascii: "0") + UInt8(number % 10) }
}
