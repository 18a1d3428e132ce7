import Foundation
import NativeBackend
import TestSupport
import Testing

/// The check of floats over many jobs: a slice with every run of the tests, all of it by `scripts/float-check`.
@Suite(.serialized) struct FloatCheckTests {
    /// `ADIT_FLOAT_CHECK`: how many jobs; `ADIT_FLOAT_CHECK_FILE`: where the table goes.
    private static let asked = ProcessInfo.processInfo.environment["ADIT_FLOAT_CHECK"].flatMap { Int($0) }
    private static let slice = 150

    @Test func `no honest job differs or is refused, and cheats on ordinary data don't pass`() throws {
        var check = try FloatCheck()
        let jobs = Self.asked ?? Self.slice
        for number in 0..<jobs {
            let job = FloatCase(seed: FloatCheck.seed, number: number)
            // The slice leaves out what takes seconds.
            if Self.asked == nil, job.size == .large || job.size == .huge { continue }
            try check.run(job)
            if Self.asked != nil, number % 1_000 == 999 { print("float check: \(number + 1) of \(jobs), \(check.defects.count) defects") }
        }
        #expect(check.defects.isEmpty, "\(check.defects.prefix(20).joined(separator: "\n"))")
        for (cheat, tally) in check.ordinary {
            // Few cells of other bits pass as often as the secret cells miss them; the rest is large, and never passes.
            let allowed = cheat.isWhole ? 2 * tally.expected + 3 : 0
            #expect(Double(tally.passed.count) <= allowed, "\(cheat.rawValue): \(tally.passed.prefix(20).joined(separator: "\n"))")
        }
        let runs = Self.asked == nil ? 40 : 5_000
        let shares = try FloatShares.caught(runs: runs, seed: FloatCheck.seed)
        // Six standard errors: a check that looked at fewer cells would be far outside.
        for row in shares { #expect(abs(row.caught - row.expected) <= 6 * (row.expected * (1 - row.expected) / Double(runs)).squareRoot() + 1e-9) }
        guard Self.asked != nil else { return }
        let table = FloatTable(check: check, jobs: jobs, shares: shares, sharesRuns: runs, machine: Self.machine).text
        let passed = (check.ordinary.values.flatMap(\.passed) + check.others.values.flatMap(\.passed)).sorted()
        print(table)
        print("Cheats that passed:\n" + passed.joined(separator: "\n"))
        if let path = ProcessInfo.processInfo.environment["ADIT_FLOAT_CHECK_FILE"], !path.isEmpty {
            try table.write(toFile: path, atomically: true, encoding: .utf8)
        }
    }

    /// The processor and what its kernels may use: no host name, no date.
    private static var machine: String {
        let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model =
            info.split(separator: "\n").first { $0.hasPrefix("model name") }.map { $0.split(separator: ":").last.map(String.init) ?? "" } ?? "a processor"
        return model.trimmingCharacters(in: .whitespaces) + " (" + InstructionSet.cpuFeatures + ")"
    }
}
