import Foundation
import Kernels
import TestSupport
import Wire

/// Runs cheats against jobs and counts what is caught. An output that is right to the bit after all is no cheat and isn't counted.
struct CheatTable {
    struct Count {
        var tried = 0
        var caught = 0
    }

    private(set) var columns: [String] = []
    private(set) var rows: [String] = []
    private(set) var counts: [String: [String: Count]] = [:]
    /// Columns' smallest wrong cell that was caught every time, as a share of its row's RMS.
    private(set) var smallest: [String: Double] = [:]
    private(set) var honest = Count()

    /// Cheats that went through, for a test's message.
    private(set) var missed: [String] = []

    mutating func add(_ job: CheatedJob, _ cheats: [any Cheat], _ random: inout TestRandom) throws {
        if !columns.contains(job.column) { columns.append(job.column) }
        honest.tried += 1
        if try job.verify(job.right, try random.challenge()).isAccepted { honest.caught += 1 }
        for cheat in cheats {
            guard let outputs = try cheat.outputs(of: job, &random) else { continue }
            let isSame = zip(outputs, job.right).allSatisfy { $0.descriptor == $1.descriptor && $0.buffer.bytes == $1.buffer.bytes }
            guard !isSame else { continue }
            if !rows.contains(cheat.name) { rows.append(cheat.name) }
            counts[cheat.name, default: [:]][job.column, default: Count()].tried += 1
            // A tensor other than the one described is no output at all: the check throws.
            let isCaught = (try? job.verify(outputs, random.challenge()).isAccepted) != true
            if isCaught { counts[cheat.name, default: [:]][job.column, default: Count()].caught += 1 } else { missed.append("\(job.column): \(cheat.name)") }
        }
    }

    /// Halves the error of a cell while `trials` of it are all caught.
    mutating func findSmallest(_ job: CheatedJob, trials: Int, _ random: inout TestRandom) throws {
        var share = 1.0
        while share > 1e-17 {
            for _ in 0..<trials {
                guard let outputs = try CellCheat(share: share).outputs(of: job, &random) else { return }
                if try job.verify(outputs, try random.challenge()).isAccepted { return }
            }
            smallest[job.column] = share
            share /= 2
        }
    }

    var markdown: String {
        var lines = ["| cheat | " + columns.joined(separator: " | ") + " |", "| --- |" + String(repeating: " --- |", count: columns.count)]
        for row in rows {
            let cells = columns.map { column in
                counts[row]?[column].map { "\($0.caught) of \($0.tried)" } ?? "—"
            }
            lines.append("| \(row) | " + cells.joined(separator: " | ") + " |")
        }
        let cells = columns.map { column in smallest[column].map { String(format: "%.1e", $0) } ?? "—" }
        lines.append("| smallest wrong cell caught every time, of its row's RMS | " + cells.joined(separator: " | ") + " |")
        return lines.joined(separator: "\n") + "\n\nHonest outputs: \(honest.caught) of \(honest.tried) accepted.\n"
    }

    /// Puts the table between the markers of a document. False where they aren't there.
    func write(into path: URL, marker: String) throws -> Bool {
        let text = try String(contentsOf: path, encoding: .utf8)
        let (start, end) = ("<!-- \(marker): begin -->\n", "<!-- \(marker): end -->")
        guard let from = text.range(of: start), let to = text.range(of: end), from.upperBound <= to.lowerBound else { return false }
        let new = text[..<from.upperBound] + markdown + text[to.lowerBound...]
        try String(new).write(to: path, atomically: true, encoding: .utf8)
        return true
    }
}
