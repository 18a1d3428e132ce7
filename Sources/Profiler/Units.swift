import Foundation

/// Numbers as people read them.
enum Units {
    /// With as many places as make three digits: 0.125, 7.63, 76.3, 763.
    static func decimal(_ value: Double) -> String {
        let size = abs(value)
        return String(format: "%.\(size < 1 ? 3 : size < 10 ? 2 : size < 100 ? 1 : 0)f", value)
    }

    /// Bytes in powers of 1,024: `23.5 GiB`.
    static func binary(_ bytes: Double) -> String {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var (value, unit) = (bytes, 0)
        while value >= 1_024, unit < units.count - 1 { (value, unit) = (value / 1_024, unit + 1) }
        let isWhole = value == value.rounded() && value < 1e6
        return isWhole ? "\(Int(value)) \(units[unit])" : String(format: "%.1f", value) + " " + units[unit]
    }

    static func binary(_ bytes: Int) -> String { binary(Double(bytes)) }
    static func binary(_ bytes: Int64) -> String { binary(Double(bytes)) }

    static func perCent(_ share: Double) -> String { "\(decimal((share * 1_000).rounded() / 10)) %" }
}
