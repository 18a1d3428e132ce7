import Foundation
import Testing

extension Reliability {
    /// Every durable step of one job as a numbered crash point: killed before it, and after it.
    @Suite struct CrashPointTests {
        /// ADIT_RIG_POINTS points of each party (0: all that a dry run counts), spread evenly; the syncs first.
        @Test(.timeLimit(.minutes(120))) func everyStepMayBeTheLast() async throws {
            try await FaultLibrary.build()
            let limit = RigSettings.number("ADIT_RIG_POINTS", default: 2)
            let start = ContinuousClock.now
            let tables = try await withThrowingTaskGroup(of: PointTable.self) { group in
                for party in Party.allCases { group.addTask { try await PointTown(party: party, limit: limit).run() } }
                var tables: [PointTable] = []
                for try await table in group { tables.append(table) }
                return tables.sorted { $0.party.rawValue < $1.party.rawValue }
            }
            RigSettings.say("crash points, \((ContinuousClock.now - start).components.seconds) s")
            RigSettings.say("| party | step | points | killed before | killed after | not reached |")
            RigSettings.say("| --- | --- | ---: | ---: | ---: | ---: |")
            for table in tables { for row in table.rows { RigSettings.say(row) } }
            for table in tables { #expect(table.died > 0, "\(table.party)") }
        }
    }
}

/// What came of one party's crash points.
struct PointTable: Sendable {
    let party: Party
    let rows: [String]
    let died: Int
}

/// One system whose one party is killed at one step after the other.
struct PointTown: Sendable {
    let party: Party
    let limit: Int

    func run() async throws -> PointTable {
        let folder = FileManager.default.temporaryDirectory.appending(path: "adit-rig-points-\(party)-\(UUID().uuidString.prefix(8))").path
        let town = try await Town(folder)
        defer { town.killAll() }
        do {
            try town.startAll()
            let trial = Trial(town)
            var index = 0
            var fulfilled: [Customer.Fulfilled] = []
            func order(_ plan: FaultPlan) async throws -> Trial.Report {
                // Blobs, of both customer and miner, are among the steps.
                let report = try await trial.run(Order(index, .blobsBothWays), party, plan)
                index += 1
                fulfilled.append(report.fulfilled)
                // A step that was not reached is still before it: it must not come while nobody watches.
                town.kill(party)
                try town.start(party)
                return report
            }
            // The first job only makes files; the second one's steps are those that every job takes.
            _ = try await order(FaultPlan(action: .count, step: 0))
            let steps = try await order(FaultPlan(action: .count, step: 0)).steps
            var rows: [String: [Int]] = [:]
            var died = 0
            for step in choose(steps) {
                for (column, action) in [(1, FaultPlan.Action.killBefore), (2, .killAfter)] {
                    let report = try await order(FaultPlan(action: action, step: step.number))
                    let isReached = report.outcome != .notReached
                    died += isReached ? 1 : 0
                    rows[step.label, default: [0, 0, 0, 0]][isReached ? column : 3] += 1
                }
                rows[step.label]?[0] += 1
            }
            for one in fulfilled { try await trial.customer.check(one, until: .now + .seconds(60)) }
            try await Run.finish(town, jobs: fulfilled.count, fulfilled)
            try? FileManager.default.removeItem(atPath: folder)
            let lines = rows.sorted { $0.key < $1.key }.map { "| \(party) | \($0.key) | " + $0.value.map(String.init).joined(separator: " | ") + " |" }
            return PointTable(party: party, rows: lines, died: died)
        } catch {
            throw Broken("crash points of \(party), folder \(folder): \(error)")
        }
    }

    /// All of them, or `limit` spread over the syncs.
    private func choose(_ steps: [Step]) -> [Step] {
        if limit == 0 { return steps }
        let syncs = steps.filter(\.isSync)
        guard syncs.count > limit else { return syncs }
        return (0..<limit).map { syncs[($0 * 2 + 1) * syncs.count / (limit * 2)] }
    }
}
