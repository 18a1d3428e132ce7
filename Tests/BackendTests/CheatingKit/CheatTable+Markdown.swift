import Foundation
import Kernels

extension CheatTable {
    /// Line of the overview.
    var overview: String {
        let cells = smallest.map { "\($0.output): \($0.size.text(entry.isInteger))" }.joined(separator: "; ")
        return "| \(entry.testDescription) | \(honest.caught) of \(honest.tried) | \(total.caught) of \(total.tried) | \(cells) |"
    }

    static let overviewHead = """
        | kernel and class | honest outputs accepted | cheats caught | smallest wrong cell caught every time |
        | --- | --- | --- | --- |
        """

    /// A section: cheats that fared alike share a row.
    var section: String {
        var groups: [(figures: String, names: [String])] = []
        for name in names {
            guard let count = counts[name] else { continue }
            let figures = Self.figures(count)
            if let index = groups.firstIndex(where: { $0.figures == figures }) { groups[index].names.append(name) } else { groups.append((figures, [name])) }
        }
        let lines = groups.map { "| \($0.names.joined(separator: "; ")) | \($0.figures) |" }
        return "#### \(entry.testDescription)\n\n\(entry.sizes).\n\n| cheat | tries | caught | share | promised |\n| --- | --- | --- | --- | --- |\n"
            + lines.joined(separator: "\n") + "\n"
    }

    private static func figures(_ count: Count) -> String {
        let share = Double(count.caught) / Double(max(count.tried, 1))
        let sure = Double(count.tried - count.open)
        var promised = "nothing"
        if sure > 0 {
            promised = count.promised >= sure ? "surely" : (count.isExact ? "" : "at least ") + percent(count.promised / Double(count.tried))
            if count.open > 0, count.promised >= sure { promised = "surely in \(count.tried - count.open)" }
        }
        return "\(count.tried) | \(count.caught) | \(percent(share)) | \(promised)"
    }

    private static func percent(_ share: Double) -> String { share == 1 ? "100 %" : String(format: "%.1f %%", 100 * share) }
}

extension KitEntry {
    var isInteger: Bool { title.contains("I8") }
}

/// Part of a document between two comments that the program writes.
enum DocumentPart {
    /// False where the markers aren't there.
    static func write(_ text: String, into path: URL, marker: String) throws -> Bool {
        let old = try String(contentsOf: path, encoding: .utf8)
        let (start, end) = ("<!-- \(marker): begin -->\n", "<!-- \(marker): end -->")
        guard let from = old.range(of: start), let to = old.range(of: end), from.upperBound <= to.lowerBound else { return false }
        try String(old[..<from.upperBound] + text + old[to.lowerBound...]).write(to: path, atomically: true, encoding: .utf8)
        return true
    }
}
