import ChainClient
import Foundation
import Ledger
import Wire

/// One job while something befalls one party: it has to be paid all the same, and once.
struct Trial: Sendable {
    let town: Town
    let customer: Customer

    /// What became of the process that was struck.
    enum Outcome: String, CaseIterable, Sendable {
        /// The fault passed and the process went on.
        case wentOn = "went on"
        /// Killed, or without power; recovered at its next start.
        case recovered = "died, recovered"
        /// It stopped by itself with an error, and recovered at its next start.
        case stopped = "stopped, recovered"
        /// The job was over before the step.
        case notReached = "not reached"
    }

    struct Report: Sendable {
        let outcome: Outcome
        let fulfilled: Customer.Fulfilled
        let steps: [Step]
    }

    init(_ town: Town) { (self.town, customer) = (town, Customer(town)) }

    init(_ town: Town, _ customer: Customer) { (self.town, self.customer) = (town, customer) }

    /// Restarts `party` under the plan, orders one job, starts the party again whenever it has ended, and waits until the job is paid.
    ///
    /// The party runs on under the plan afterwards; the next trial kills it.
    func run(_ order: Order, _ party: Party, _ plan: FaultPlan, patience: Duration = .seconds(240)) async throws -> Report {
        for file in [FaultPlan.arm(town), FaultPlan.log(town)] { try? FileManager.default.removeItem(atPath: file) }
        town.kill(party)
        try town.start(party, faults: plan.environment(town, party))
        if !plan.fromStart { try await ready() }
        _ = FileManager.default.createFile(atPath: FaultPlan.arm(town), contents: nil)
        let keeper = Task { try await keep(party) }
        defer { keeper.cancel() }
        let fulfilled = try await withThrowingTaskGroup(of: Customer.Fulfilled?.self) { group in
            group.addTask { try await customer.fulfil(order, patience: patience) }
            group.addTask {
                // It is no child of this group: without this a broken promise would wait for it for ever.
                try await withTaskCancellationHandler {
                    _ = try await keeper.value
                } onCancel: {
                    keeper.cancel()
                }
                return nil
            }
            for try await one in group {
                guard let one else { continue }
                keeper.cancel()
                return one
            }
            throw Broken("the keeper ended")
        }
        var ends = try await keeper.value
        // The miner hears of its claim a little later than the client, and what it writes then are steps too.
        try await Task.sleep(for: .milliseconds(700))
        if let status = town.status(party) {
            ends.append(status)
            try town.start(party)
        }
        let steps = Step.read(FaultPlan.log(town))
        let outcome: Outcome =
            if ends.contains(where: { $0 & 0x7f != SIGKILL }) { .stopped } else if !ends.isEmpty {
                .recovered
            } else if steps.contains(where: {
                !$0.note.isEmpty
            }) { .wentOn } else { .notReached }
        return Report(outcome: outcome, fulfilled: fulfilled, steps: steps)
    }

    /// Node and coordinator answer, and the miner asks for work.
    private func ready() async throws {
        let deadline = ContinuousClock.now + .seconds(90)
        try await insist("node", until: deadline) { try await town.node.getHead() }
        try await insist("coordinator", until: deadline) { try await town.coordinator.networkState() }
    }

    /// Starts the party without faults each time it has ended. Gives the wait statuses once it is cancelled.
    ///
    /// Throws where it does not come up again: it ends six times.
    private func keep(_ party: Party) async throws -> [Int32] {
        var ends: [Int32] = []
        while !Task.isCancelled {
            if let status = town.status(party) {
                ends.append(status)
                // A program that stopped must have said why.
                if status & 0x7f != SIGKILL { try complained(party, status) }
                guard ends.count <= 6 else { throw Broken("\(party) does not come up again; see \(town.log(party))") }
                if status & 0x7f != SIGKILL { try? await Task.sleep(for: .milliseconds(300)) }
                try town.start(party)
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return ends
    }

    /// Its last words name the disk; a crash has none.
    private func complained(_ party: Party, _ status: Int32) throws {
        let log = (try? String(contentsOfFile: town.log(party), encoding: .utf8)) ?? ""
        let last = log.split(separator: "\n").suffix(12).joined(separator: "\n")
        guard status & 0x7f == 0, ["io_failed", "errno", "disk", "I/O", "database"].contains(where: last.contains) else {
            throw Broken("\(party) ended with status \(status) and these last words:\n\(last)")
        }
    }
}
