import Foundation
import Testing

extension Reliability {
    /// Disks that fail: writes cut in the middle, no space, errors of write and sync, and power cuts, in each of the three programs.
    @Suite struct FaultTests {
        /// ADIT_RIG_FAULTS runs, at most 25 in one system, ADIT_RIG_TOWNS systems beside each other.
        @Test(.timeLimit(.minutes(120))) func everyRunEndsWithTheJobPaidOnce() async throws {
            try await FaultLibrary.build()
            let count = RigSettings.number("ADIT_RIG_FAULTS", default: 12)
            let width = RigSettings.number("ADIT_RIG_TOWNS", default: 2)
            let seed = RigSettings.seed
            let start = ContinuousClock.now
            var chance = Chance(seed: seed, 2)
            let plans = (0..<count).map { _ in Self.draw(&chance) }
            let size = max(1, min(25, (count + width - 1) / width))
            let shares = stride(from: 0, to: count, by: size).map { Array(plans[$0..<min(count, $0 + size)]) }
            var tally: [String: [Trial.Outcome: Int]] = [:]
            try await withThrowingTaskGroup(of: [(FaultRun, Trial.Outcome)].self) { group in
                for (index, share) in shares.enumerated() {
                    if index >= width { for (run, outcome) in try await group.next() ?? [] { tally[run.row, default: [:]][outcome, default: 0] += 1 } }
                    group.addTask { try await FaultTown(name: "disk\(index)", seed: seed, runs: share).run() }
                }
                for try await share in group { for (run, outcome) in share { tally[run.row, default: [:]][outcome, default: 0] += 1 } }
            }
            let took = (ContinuousClock.now - start).components.seconds
            RigSettings.say("\(count) fault runs in \(shares.count) systems, seed \(seed), \(took) s")
            RigSettings.say("| party, fault | " + Trial.Outcome.allCases.map(\.rawValue).joined(separator: " | ") + " |")
            RigSettings.say("| --- |" + Trial.Outcome.allCases.map { _ in " ---: |" }.joined())
            for (row, counts) in tally.sorted(by: { $0.key < $1.key }) {
                RigSettings.say("| \(row) | " + Trial.Outcome.allCases.map { String(counts[$0] ?? 0) }.joined(separator: " | ") + " |")
            }
            #expect(tally.values.reduce(0) { $0 + $1.values.reduce(0, +) } == count)
        }

        /// One of the parties, a fault, and a step among those of a job or of a start.
        private static func draw(_ chance: inout Chance) -> FaultRun {
            let parties = Party.allCases
            let party = parties[Int.random(in: 0..<parties.count, using: &chance)]
            let actions: [FaultPlan.Action] = [.torn, .short, .enospc, .eio, .eioSync, .cutAll, .cutSome]
            let action = actions[Int.random(in: 0..<actions.count, using: &chance)]
            let fromStart = chance.once(in: 4)
            // About as many steps as a start, or a job, has there.
            let reach: Int =
                switch (party, fromStart) {
                case (_, true): 24
                case (.node, false): 40
                case (.coordinator, false): 150
                case (.miner, false): 28
                }
            return FaultRun(
                party: party,
                plan: FaultPlan(
                    action: action, step: Int.random(in: 1...reach, using: &chance), fromStart: fromStart,
                    lasts: [0, 30, 300, 1500][Int.random(in: 0...3, using: &chance)],
                    cutAfter: chance.once(in: 2) ? Int.random(in: 1...1500, using: &chance) : 0, seed: chance.next()))
        }
    }
}

/// A fault and whom it strikes.
struct FaultRun: Sendable {
    let party: Party
    let plan: FaultPlan

    /// Its row in the table.
    var row: String { "\(party), \(plan.action.rawValue)\(plan.action == .eioSync && plan.cutAfter > 0 ? ", then power cut" : "")" }
}

/// Fault runs one after the other in one system; its books are read at the end.
struct FaultTown: Sendable {
    let name: String
    let seed: UInt64
    let runs: [FaultRun]

    func run() async throws -> [(FaultRun, Trial.Outcome)] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "adit-rig-\(name)-\(seed)-\(UUID().uuidString.prefix(8))").path
        let town = try await Town(folder)
        defer { town.killAll() }
        var outcomes: [(FaultRun, Trial.Outcome)] = []
        var fulfilled: [Customer.Fulfilled] = []
        do {
            try town.startAll()
            let trial = Trial(town)
            for (index, run) in runs.enumerated() {
                do {
                    let report = try await trial.run(Order(index), run.party, run.plan)
                    outcomes.append((run, report.outcome))
                    fulfilled.append(report.fulfilled)
                } catch {
                    throw Broken("run \(index), \(run): \(error)")
                }
                // Whatever it kept in memory after a fault must not be what it stands on.
                town.kill(run.party)
                try town.start(run.party)
            }
            for one in fulfilled { try await trial.customer.check(one, until: .now + .seconds(60)) }
            try await Run.finish(town, jobs: runs.count, fulfilled)
        } catch {
            throw Broken("seed \(seed), \(name), folder \(folder): \(error)")
        }
        try? FileManager.default.removeItem(atPath: folder)
        return outcomes
    }
}
