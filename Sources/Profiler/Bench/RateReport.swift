import Wire

/// A table for a terminal of 80 columns.
package enum RateReport {
    /// The header, and a line for each row, by device.
    package static func lines(_ document: BenchDocument) -> [String] {
        let machine = document.machine
        var lines = ["cpu        \(RateText.plain(machine.cpu, 56)), \(machine.cores) cores"]
        if let bytes = machine.memoryBytes { lines.append("memory     \(bytes >> 30) GiB usable by jobs") }
        lines.append("measured   \(RateText.date(document.at)), \(document.rates.threads) threads, adit \(RateText.plain(document.softwareVersion, 32))")
        for device in document.rates.devices {
            lines.append("")
            lines.append(left(RateText.plain(device, 10), 10) + " " + left("work", 33) + right("rate", 13) + right("of peak", 9) + right("spread", 8))
            lines += document.rates.rows.filter { $0.device == device }.map(line)
        }
        if document.rates.rows.isEmpty { lines.append("nothing could be measured") }
        return lines
    }

    /// 10 + 1 + 33 + 13 + 9 + 8 = 74 columns.
    private static func line(_ row: RateRow) -> String {
        left(RateText.plain(row.backend, 10), 10) + " " + left(RateText.work(row), 33) + right(RateText.rate(row.perSecond, row), 13)
            + right(RateText.percent(row.share), 9) + right(row.rounds > 1 ? RateText.percent(row.spread) : "-", 8)
    }

    /// Line by line against an earlier table: what both have with the ratio, then what only one of them has.
    package static func comparison(_ now: RateTable, _ before: RateTable) -> [String] {
        var lines = [left("", 10) + " " + left("work", 33) + right("now", 13) + right("then", 13) + right("ratio", 8)]
        for row in now.rows {
            let other = before.rows.first { $0.isSameWork(as: row) }
            let ratio = other.flatMap { $0.perSecond > 0 ? Double(row.perSecond) / Double($0.perSecond) : nil }
            lines.append(
                left(RateText.plain(row.backend, 10), 10) + " " + left(RateText.work(row), 33) + right(RateText.rate(row.perSecond, row), 13)
                    + right(other.map { RateText.rate($0.perSecond, $0) } ?? "-", 13) + right(ratio.map(two) ?? "new", 8))
        }
        for row in before.rows where !now.rows.contains(where: { $0.isSameWork(as: row) }) {
            lines.append(
                left(RateText.plain(row.backend, 10), 10) + " " + left(RateText.work(row), 33) + right("-", 13)
                    + right(RateText.rate(row.perSecond, row), 13) + right("gone", 8))
        }
        return lines
    }

    /// A sentence in lines of at most 80 columns, the later ones below the first's text.
    package static func note(_ text: String) -> [String] {
        let words = RateText.plain(text, 1_000).split(separator: " ").map { $0.prefix(69) }
        return words.joined(separator: " ").wrapped(first: "note       ", rest: String(repeating: " ", count: 11), width: 80)
    }

    /// Two decimals.
    package static func two(_ value: Double) -> String {
        // The same for what is no number.
        let hundredths = Int64(exactly: (min(max(value, 0), 1e12) * 100).rounded()) ?? 0
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }

    private static func left(_ text: String, _ width: Int) -> String {
        let cut = String(text.prefix(width))
        return cut + String(repeating: " ", count: max(0, width - cut.count))
    }

    private static func right(_ text: String, _ width: Int) -> String { String(repeating: " ", count: max(1, width - text.count)) + text }
}
