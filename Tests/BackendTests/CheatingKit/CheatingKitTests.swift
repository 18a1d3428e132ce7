import Foundation
import Kernels
import TestSupport
import Testing

/// Every cheat against every kernel in each of its classes. `ADIT_CHEAT_ROUNDS=N` writes the tables of N rounds into docs/VERIFICATION.md besides.
@Suite struct CheatingKitTests {
    private static let rounds = ProcessInfo.processInfo.environment["ADIT_CHEAT_ROUNDS"].flatMap { Int($0) }

    private static func table(_ entry: KitEntry, rounds: Int, trials: Int) throws -> CheatTable {
        let workshop = try Workshop()
        // Each entry has its own numbers.
        var random = TestRandom(entry.testDescription.utf8.reduce(2026) { $0 &* 31 &+ UInt64($1) })
        var table = CheatTable(entry)
        for round in 0..<rounds {
            let job = try entry.job(workshop, &random)
            try table.add(job, repeats: rounds > 1 ? 20 : 6, workshop, &random)
            if round == 0 { try table.findSmallest(job, trials: trials, workshop, &random) }
        }
        return table
    }

    private static func expectSound(_ table: CheatTable) {
        #expect(table.honest.caught == table.honest.tried)
        #expect(table.failures.isEmpty, "\(table.failures)")
        #expect(table.unlikely.isEmpty, "\(table.unlikely)")
    }

    @Test(arguments: CheatingKit.entries)
    func `cheats are caught as promised, no honest output is refused`(entry: KitEntry) throws { Self.expectSound(try Self.table(entry, rounds: 1, trials: 2)) }

    @Test func `every kernel has an entry`() { #expect(Set(CheatingKit.entries.map(\.kernel)) == Set(KernelRegistry.names)) }

    @Test(.enabled(if: rounds != nil))
    func `the tables are written`() throws {
        let rounds = try #require(Self.rounds)
        var (overview, sections) = ([CheatTable.overviewHead], [String]())
        for entry in CheatingKit.entries {
            let table = try Self.table(entry, rounds: rounds, trials: 25 * rounds)
            Self.expectSound(table)
            overview.append(table.overview)
            sections.append(table.section)
        }
        let text = overview.joined(separator: "\n") + "\n\n" + sections.joined(separator: "\n")
        #expect(try DocumentPart.write(text, into: Vectors.packageRoot.appending(path: "docs/VERIFICATION.md"), marker: "cheats"))
    }
}
