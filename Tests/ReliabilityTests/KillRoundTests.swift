import Foundation
import Ledger
import Testing

extension Reliability {
    /// A stream of jobs while a random one of the three programs is killed again and again, against a run in which none was.
    @Suite struct KillRoundTests {
        /// ADIT_RIG_ROUNDS rounds in ADIT_RIG_TOWNS systems beside each other.
        @Test(.timeLimit(.minutes(60))) func nothingAcknowledgedIsLostAndNothingIsPaidTwice() async throws {
            let rounds = RigSettings.number("ADIT_RIG_ROUNDS", default: 20)
            let towns = min(rounds, RigSettings.number("ADIT_RIG_TOWNS", default: 1))
            let seed = RigSettings.seed
            let orders = 8 + 2 * ((rounds + towns - 1) / towns)
            let start = ContinuousClock.now
            let outcome = try await withThrowingTaskGroup(of: Outcome.self) { group in
                group.addTask { try await Run(name: "control", seed: seed, rounds: 0, orders: orders).outcome() }
                for town in 0..<towns {
                    let share = rounds / towns + (town < rounds % towns ? 1 : 0)
                    group.addTask { try await Run(name: "town\(town)", seed: seed &+ UInt64(town), rounds: share, orders: orders).outcome() }
                }
                var control: Outcome?
                var others: [Outcome] = []
                for try await one in group { if one.rounds == 0 { control = one } else { others.append(one) } }
                return (control, others)
            }
            let control = try #require(outcome.0)
            var tally = Killer.Tally()
            for one in outcome.1 {
                tally.add(one.tally)
                let note = Comment(rawValue: "seed \(one.seed), folder \(one.folder)")
                #expect(one.books.balances == control.books.balances, note)
                #expect(one.outputs == control.outputs, note)
                #expect(one.books.failures.isEmpty, note)
                if one.books.balances == control.books.balances, one.outputs == control.outputs { try? FileManager.default.removeItem(atPath: one.folder) }
            }
            #expect(control.books.failures.isEmpty)
            try? FileManager.default.removeItem(atPath: control.folder)
            let took = (ContinuousClock.now - start).components.seconds
            RigSettings.say("\(rounds) rounds, \(tally.count) kills, \(orders * towns) jobs in \(towns) systems, seed \(seed), \(took) s")
            for line in tally.table { RigSettings.say(line) }
            let rejected = outcome.1.reduce(0) { $0 + ($1.books.outbox["rejected"] ?? 0) }
            RigSettings.say("results computed in vain (their lease was over): \(rejected)")
        }

        /// What a run came to, read from the stores after it.
        struct Outcome: Sendable {
            let seed: UInt64
            let rounds: Int
            let folder: String
            let tally: Killer.Tally
            let books: Books
            /// Output hashes by order.
            let outputs: [Int: String]
        }
    }
}

/// One system, its customer and its killer.
struct Run: Sendable {
    let name: String
    let seed: UInt64
    let rounds: Int
    let orders: Int

    /// Runs all of it. What was acknowledged is asked for again at the end, and the stores are read; the folder stays.
    ///
    /// - Throws: `Broken` with the seed and the folder.
    func outcome() async throws -> Reliability.KillRoundTests.Outcome {
        let folder = FileManager.default.temporaryDirectory.appending(path: "adit-rig-\(name)-\(seed)-\(UUID().uuidString.prefix(8))").path
        let town = try await Town(folder)
        defer { town.killAll() }
        do {
            try town.startAll()
            let (fulfilled, tally) = try await stream(town)
            let customer = Customer(town)
            for one in fulfilled { try await customer.check(one, until: .now + .seconds(30)) }
            let books = try await Run.finish(town, jobs: orders, fulfilled)
            return Reliability.KillRoundTests.Outcome(
                seed: seed, rounds: rounds, folder: folder, tally: tally, books: books,
                outputs: Dictionary(uniqueKeysWithValues: fulfilled.map { ($0.order, $0.outputHash) }))
        } catch {
            throw Broken("seed \(seed), \(name), folder \(folder): \(error)")
        }
    }

    /// Two jobs with each round of the killer's, the first six before it begins and the rest when it is done. A round waits while more than
    /// twelve jobs are on their way: what never comes up cannot be hit in its work.
    private func stream(_ town: Town) async throws -> ([Customer.Fulfilled], Killer.Tally) {
        let customer = Customer(town)
        let (seed, rounds, orders) = (self.seed, self.rounds, self.orders)
        let (tickets, desk) = AsyncStream<Int>.makeStream()
        async let tally = {
            defer { desk.finish() }
            var killer = Killer(town, seed: seed)
            var given = 0
            func give(_ count: Int) {
                for index in given..<min(orders, given + count) { desk.yield(index) }
                given = min(orders, given + count)
            }
            give(6)
            for _ in 0..<rounds {
                give(2)
                let patience = ContinuousClock.now + .seconds(120)
                while await customer.purse.settled < given - 12, ContinuousClock.now < patience { try await Task.sleep(for: .milliseconds(50)) }
                try await killer.round()
            }
            give(orders)
            return killer.tally
        }()
        let fulfilled = try await withThrowingTaskGroup(of: Customer.Fulfilled.self) { group in
            for await index in tickets { group.addTask { try await customer.fulfil(Order(index), patience: .seconds(600)) } }
            var fulfilled: [Customer.Fulfilled] = []
            for try await one in group { fulfilled.append(one) }
            return fulfilled
        }
        return (fulfilled.sorted { $0.order < $1.order }, try await tally)
    }

    /// Waits until the miner has heard of all its claims, stops all three politely and checks their books.
    @discardableResult static func finish(_ town: Town, jobs: Int, _ fulfilled: [Customer.Fulfilled]) async throws -> Books {
        try await insist("the outbox", until: .now + .seconds(90)) { try Books.paid(town) == jobs ? true : nil }
        try await town.stop()
        try await town.verifyChain()
        let books = try Books(town)
        guard books.receipts.count == jobs, books.escrows == ["settled": jobs] else {
            throw Broken("\(books.receipts.count) receipts and escrows \(books.escrows) for \(jobs) jobs")
        }
        guard books.claims == jobs else { throw Broken("\(books.claims) claims are in blocks for \(jobs) jobs") }
        for one in fulfilled where books.receipts[one.job.text] != one.outputHash { throw Broken("\(one.job) was paid for another output") }
        return books
    }
}
