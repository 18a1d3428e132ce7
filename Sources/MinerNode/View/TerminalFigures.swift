import Foundation

/// Figures, bars and words of the terminal's page.
extension TerminalPage {
    static func safe(_ text: String) -> String { TerminalText.safe(text) }

    /// `working`, or why not, in a word.
    static func word(_ view: MinerView) -> String {
        switch view.state {
        case "idle": "waiting for work"
        case "computing", "working": "working"
        case "": "not known"
        default: safe(view.state)
        }
    }

    static func style(_ view: MinerView) -> TerminalLine.Style {
        if view.isTroubled { return .warning }
        return ["computing", "working"].contains(view.state) ? .good : .accent
    }

    /// `76.1 Gop/s`: three digits and the unit.
    static func rate(_ value: Double) -> String {
        guard value.isFinite, value >= 0 else { return "-" }
        if value < 1 { return "0 op/s" }
        let units = ["op/s", "kop/s", "Mop/s", "Gop/s", "Top/s", "Pop/s", "Eop/s"]
        var (scaled, unit) = (value, 0)
        while scaled >= 999.5, unit < units.count - 1 { (scaled, unit) = (scaled / 1000, unit + 1) }
        return "\(fixed(scaled, scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0)) \(units[unit])"
    }

    /// `0.25 J a unit, `, where it is known.
    static func energy(_ device: MinerView.Device) -> String { device.joulesPerUnit.map { "\(fixed($0, $0 < 10 ? 2 : 0)) J a unit, " } ?? "" }

    /// `tier trainer`, by the miner's own measurement, or what the coordinator makes of it.
    static func tier(_ view: MinerView) -> String? {
        guard let placement = view.placement, placement.tier != placement.claimed else { return view.tier.map { "tier \(safe($0))" } }
        return "tier \(safe(placement.tier)), claims \(safe(placement.claimed))"
    }

    /// Where the coordinator places this miner, and why.
    static func placement(_ view: MinerView) -> String {
        guard let placement = view.placement else { return "the coordinator has not said" }
        let why = placement.reason.map { ": \(safe($0.meaning))" } ?? ""
        return placement.tier == placement.claimed ? "\(safe(placement.tier)), as claimed" : "\(safe(placement.tier)), not \(safe(placement.claimed))\(why)"
    }

    /// `12.3 MB/s over the last 40.0 MB`.
    static func download(_ view: MinerView) -> String {
        guard let download = view.download else { return "speed not known: no input of 1 MiB or more has come yet" }
        return "\(fixed(download.bytesPerSecond / 1e6, 1)) MB/s over the last \(fixed(download.bytes / 1e6, 1)) MB"
    }

    static func percent(_ share: Double?) -> String { share.map { "\(fixed($0 * 100, 0)) %" } ?? "-" }

    /// Rounded to so many places; `-` for what is no number.
    static func fixed(_ value: Double, _ places: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "-" }
        return String(format: "%.\(places)f", value)
    }

    /// `1,234,567`.
    static func grouped(_ value: Int64) -> String {
        var digits = Array(String(value.magnitude))
        var position = digits.count - 3
        while position > 0 {
            digits.insert(",", at: position)
            position -= 3
        }
        return (value < 0 ? "-" : "") + String(digits)
    }

    /// Base units as AIT: `1,234.500000`.
    static func amount(_ base: Int64) -> String {
        let rest = String(base.magnitude % 1_000_000)
        return "\(grouped(base / 1_000_000)).\(String(repeating: "0", count: 6 - rest.count))\(rest)"
    }

    /// The time of day.
    func clock(_ milliseconds: Int64, seconds: Bool) -> String {
        let time = ((milliseconds / 1000 + secondsFromUTC) % 86_400 + 86_400) % 86_400
        let parts = [time / 3600, time / 60 % 60] + (seconds ? [time % 60] : [])
        return parts.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }

    /// A bar of exactly so many columns, to an eighth of a column.
    func bar(_ share: Double, columns: Int) -> String {
        let share = share.isFinite ? min(1, max(0, share)) : 0
        guard isUnicode else {
            let full = Int((share * Double(columns)).rounded(.down))
            return String(repeating: "#", count: full) + String(repeating: ".", count: columns - full)
        }
        let eighths = Int((share * Double(columns) * 8).rounded(.down))
        let (full, part) = (eighths / 8, eighths % 8)
        let tail = part > 0 ? ["▏", "▎", "▍", "▌", "▋", "▊", "▉"][part - 1] : ""
        return String(repeating: "█", count: full) + tail + String(repeating: "·", count: max(0, columns - full - (part > 0 ? 1 : 0)))
    }

    /// A curve of the last values, one column each, scaled to the highest.
    func curve(_ values: [Double], columns: Int) -> String {
        guard isUnicode, columns > 0, let top = values.filter(\.isFinite).max(), top > 0 else { return "" }
        return values.suffix(columns).map { value in
            guard value.isFinite, value > 0 else { return " " }
            return ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"][min(7, Int(value / top * 7.999))]
        }.joined()
    }
}
