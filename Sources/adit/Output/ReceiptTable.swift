import Foundation
import MinerNode
import Wire

/// Receipts as a table of at most 100 columns.
enum ReceiptTable {
    static let width = 100

    /// `2 computed, 1 paid`.
    static func counts(_ count: (String) -> Int64?) -> String {
        let parts = OutboxEntry.Phase.names.compactMap { name in count(name).flatMap { $0 > 0 ? "\(Figures.grouped($0)) \(name)" : nil } }
        return parts.isEmpty ? "none" : parts.joined(separator: ", ")
    }

    static func lines(_ receipts: [JSON]) -> [String] {
        guard !receipts.isEmpty else { return ["no receipts yet"] }
        let isKnown = receipts.allSatisfy { $0["earned"] != nil || $0["phase"] == "rejected" }
        let head = row("receipt", "phase", "units", isKnown ? "AIT" : "price", "leased", steps: ["inputs", "computed", "sent", "signed", "claimed", "paid"])
        return [head] + receipts.flatMap { receipt in [line(receipt, isKnown)] + reason(receipt) }
    }

    /// - Parameter isKnown: whether the chain's rules are: then what a receipt brings to the payout, else its price. A rejected one brings nothing.
    private static func line(_ receipt: JSON, _ isKnown: Bool) -> String {
        let times = receipt["times_ms"]
        let leased = times?["leased"]?.integerValue
        let steps = ["inputs_ready", "computed", "committed", "signed", "claim_sent", "paid"].map { name -> String in
            guard let leased, let time = times?[name]?.integerValue else { return "-" }
            return seconds(time - leased)
        }
        let amount = receipt[isKnown ? "earned" : "price"]?.integerValue.map { Double($0) / 1e6 }
        let price = amount.map { Figures.rounded($0, $0 < 1000 ? 6 : 2) } ?? "-"
        return row(
            String((receipt["receipt_id"]?.stringValue ?? "?").prefix(13)), receipt["phase"]?.stringValue ?? "?",
            Figures.grouped(receipt["compute_units"]?.integerValue ?? 0), price, leased.map(clock) ?? "-", steps: steps)
    }

    /// The reason on a line of its own, cut where it is longer than that.
    private static func reason(_ receipt: JSON) -> [String] {
        guard let reason = receipt["reason"] else { return [] }
        let text = "  \(reason["code"]?.stringValue ?? "?"): \(reason["detail"]?.stringValue ?? "")"
        return [text.count <= width ? text : text.prefix(width - 1) + "…"]
    }

    private static func row(_ receipt: String, _ phase: String, _ units: String, _ price: String, _ leased: String, steps: [String]) -> String {
        let columns =
            [left(receipt, 13), left(phase, 8), right(units, 9), right(price, 10), right(leased, 8)] + steps.map { right($0, 7) }
        return columns.joined(separator: " ")
    }

    /// Seconds with as many places as fit six characters.
    private static func seconds(_ milliseconds: Int64) -> String {
        let value = Double(max(0, milliseconds)) / 1000
        return value < 100 ? Figures.rounded(value, 3) : value < 100_000 ? Figures.rounded(value, 0) : Figures.rounded(value / 3600, 0) + " h"
    }

    /// The time of day, in UTC.
    private static func clock(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000 % 86_400
        return [seconds / 3600, seconds / 60 % 60, seconds % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }

    private static func left(_ text: String, _ width: Int) -> String { text.prefix(width) + String(repeating: " ", count: max(0, width - text.count)) }
    private static func right(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }
}
