import Foundation

/// Numbers as people read them.
enum Figures {
    /// Base units as AIT, six places: 1 AIT is 10^6 base units.
    static func ait(_ amount: Int64) -> String {
        let sign = amount < 0 ? "-" : ""
        let (whole, rest) = amount.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        let fraction = String(rest)
        return sign + grouped(Int64(clamping: whole)) + "." + String(repeating: "0", count: 6 - fraction.count) + fraction + " AIT"
    }

    /// 16913 as 16,913.
    static func grouped(_ number: Int64) -> String {
        var digits = String(number.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits = String(digits.dropLast(3))
        }
        return (number < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// `1 worker`, `2 workers`.
    static func count(_ number: Int64, _ noun: String) -> String { "\(grouped(number)) \(noun)\(number == 1 ? "" : "s")" }

    static func bytes(_ count: Int64) -> String {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(count) bytes" : "\(rounded(value, 1)) \(units[unit])"
    }

    static func milliseconds(_ microseconds: Int64) -> String { "\(rounded(Double(microseconds) / 1000, 1)) ms" }

    static func rounded(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }
}
