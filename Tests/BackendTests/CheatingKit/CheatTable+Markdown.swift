import Foundation
import Kernels

extension CheatTable {
    /// Line of the overview.
    var overview: String {
        let cells = smallest.map { "\($0.output): \($0.size.text(entry.isInteger))" }.joined(separator: "; ")
        return "| \(entry.testDescription) | \(honest.caught) of \(honest.tried) | \(sure.tried - sure.missed) of \(sure.tried) | \(cells) |"
    }

    static let overviewHead = """
        | kernel and class | honest outputs accepted | surely promised cheats caught | smallest wrong cell caught every time |
        | --- | --- | --- | --- |
        """

    /// A section: cheats that fared alike share a row, those that are surely caught and were the first.
    var section: String {
        var lines: [String] = []
        let sure = names.filter { counts[$0].map { $0.sure == $0.tried && $0.caught == $0.tried } ?? false }
        if !sure.isEmpty {
            let tries = sure.compactMap { counts[$0]?.tried }
            let (sum, least, most) = (tries.reduce(0, +), tries.min() ?? 0, tries.max() ?? 0)
            let each = least == most ? "\(most) each" : "\(least) to \(most) each"
            lines.append("| \(sure.joined(separator: "; ")) | \(sum), \(each) | \(sum) | 100 % | surely |")
        }
        var groups: [(figures: String, names: [String])] = []
        for name in names where !sure.contains(name) {
            guard let count = counts[name] else { continue }
            let figures = Self.figures(count)
            if let index = groups.firstIndex(where: { $0.figures == figures }) { groups[index].names.append(name) } else { groups.append((figures, [name])) }
        }
        lines += groups.map { "| \($0.names.joined(separator: "; ")) | \($0.figures) |" }
        return "#### \(entry.testDescription)\n\n\(entry.sizes).\n\n| cheat | tries | caught | share | promised |\n| --- | --- | --- | --- | --- |\n"
            + lines.joined(separator: "\n") + "\n"
    }

    private static func figures(_ count: Count) -> String {
        let share = Double(count.caught) / Double(max(count.tried, 1))
        var promised = (count.isExact ? "" : "at least ") + percent(count.promised / Double(max(count.tried, 1)))
        if count.promised == 0 { promised = "nothing" } else if count.sure == count.tried { promised = "surely" }
        if count.open > 0, count.sure > 0, count.sure + count.open == count.tried { promised = "surely in \(count.sure)" }
        return "\(count.tried) | \(count.caught) | \(percent(share)) | \(promised)"
    }

    private static func percent(_ share: Double) -> String { share == 1 ? "100 %" : share > 0.9995 ? "over 99.9 %" : String(format: "%.1f %%", 100 * share) }
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
