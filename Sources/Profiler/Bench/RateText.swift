import Foundation
import Kernels

/// Rates and works as people read them.
package enum RateText {
    /// `431 GFLOP/s`, `28.5 GB/s`, `72.1 k/s`.
    package static func rate(_ perSecond: Int64, _ row: RateRow) -> String {
        let value = Double(perSecond)
        switch row.kind.unit {
        case .operations: return scaled(value) + (row.dtype == .i8 ? "op/s" : "FLOP/s")
        case .bytes: return scaled(value) + "B/s"
        case .times: return scaled(value).replacingOccurrences(of: "K", with: "k") + "/s"
        }
    }

    package static func floats(_ perSecond: Int64) -> String { scaled(Double(perSecond)) + "FLOP/s" }
    static func bytes(_ perSecond: Double) -> String { scaled(perSecond) + "B/s" }
    static func operations(_ perSecond: Double, _ dtype: DType) -> String { scaled(perSecond) + (dtype == .i8 ? "op/s" : "FLOP/s") }

    /// Three digits and a decimal prefix with the space before it.
    private static func scaled(_ value: Double) -> String {
        var value = value
        var prefix = 0
        let prefixes = ["", "K", "M", "G", "T", "P", "E"]
        while value >= 999.5, prefix < prefixes.count - 1 {
            value /= 1_000
            prefix += 1
        }
        let places = value >= 99.95 || prefix == 0 ? 0 : value >= 9.995 ? 1 : 2
        return String(format: "%.\(places)f", value) + " " + prefixes[prefix]
    }

    package static func percent(_ share: Double?) -> String { share.map { String(format: "%.0f %%", $0 * 100) } ?? "-" }

    /// What was computed: `F32 product 2048`, `F32 conv 8x64x56x56 to 64`, `SHA-256`.
    package static func work(_ row: RateRow) -> String {
        let dtype = row.dtype.map { "\($0.rawValue) " } ?? ""
        let size = row.size
        switch row.kind {
        case .gemm: return dtype + "product \(size.first ?? 0)" + order(row)
        case .conv2d where size.count >= 5: return dtype + "conv \(size[0])x\(size[1])x\(size[2])x\(size[3]) to \(size[4])"
        case .conv2d: return dtype + "conv"
        case .attention where size.count == 4: return dtype + "attention \(size[1])x\(size[2])x\(size[3])"
        case .attention: return dtype + "attention"
        case .memoryCopy: return "memory, copy"
        case .toDevice: return "host to device"
        case .fromDevice: return "device to host"
        case .sha256: return "SHA-256"
        case .sign: return "ed25519 signatures"
        case .verify: return "ed25519 checks"
        }
    }

    /// Free order is named; reproducible floats are what jobs are.
    private static func order(_ row: RateRow) -> String { row.arithmetic == .f32 || row.arithmetic == .f64 ? " free" : "" }

    /// Unix seconds as `2026-11-27 23:30 UTC`, by the civil calendar.
    package static func date(_ at: Int64) -> String {
        let (year, month, day) = civil(at / 86_400)
        let minutes = at % 86_400 / 60
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day)) \(two(minutes / 60)):\(two(minutes % 60)) UTC"
    }

    /// Days since 1970 as a date. Source: H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let z = days + 719_468
        let era = z / 146_097
        let doe = z - era * 146_097
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
        let mp = (5 * doy + 2) / 153
        let month = mp < 10 ? mp + 3 : mp - 9
        return (yoe + era * 400 + (month <= 2 ? 1 : 0), month, doy - (153 * mp + 2) / 5 + 1)
    }

    /// Control characters of a stranger's file, which could move a terminal's cursor, as question marks; cut to `width` characters.
    package static func plain(_ text: String, _ width: Int = 200) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(width).map {
                    ($0.properties.generalCategory == .control || $0.properties.generalCategory == .format) ? "?" as Unicode.Scalar : $0
                }))
    }
}
