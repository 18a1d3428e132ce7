import ChainClient
import Foundation
import Jobs
import Ledger
import Signing
import Wire

/// Brings what is in the outbox to the coordinator and to the chain, over any number of restarts.
///
/// What it does next follows from an entry alone; what it did is on disk before it goes on.
final class Courier: Sendable {
    private let store: OutboxStore
    private let coordinator: CoordinatorClient
    private let claims: ClaimDesk
    private let outputs: OutputFolder
    private let events: EventSink
    private let pauses: Pauses
    private let followEvery: Duration
    private let bell = Doorbell()
    /// What an earlier run did not deliver.
    private let leftovers: [OutboxEntry]
    private let trouble: @Sendable (Problem?) -> Void

    /// Made before any work starts: what is `computed` now was left by an earlier run, and is this courier's to deliver.
    ///
    /// - Parameter trouble: is told the last problem that will be tried again, and nil when something worked.
    /// - Throws: `io_failed` if the outbox can't be read.
    init(
        store: OutboxStore, coordinator: CoordinatorClient, claims: ClaimDesk, outputs: OutputFolder, events: EventSink, pauses: Pauses, followEvery: Duration,
        trouble: @escaping @Sendable (Problem?) -> Void
    ) throws(Problem) {
        leftovers = try store.entries(in: ["computed"], limit: .max)
        (self.store, self.coordinator, self.claims, self.outputs, self.events) = (store, coordinator, claims, outputs, events)
        (self.pauses, self.followEvery, self.trouble) = (pauses, followEvery, trouble)
    }

    /// Looks after everything that isn't final, until the task is canceled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.claimAll() }
            group.addTask { await self.deliverLeftovers() }
        }
    }

    // MARK: to the coordinator

    /// Uploads the outputs, hands in the result and keeps the coordinator's signature; tries until there is an answer that counts.
    /// The caller keeps the lease alive meanwhile.
    ///
    /// Returns the entry as it is then; still `computed` if the task was canceled.
    func deliver(_ entry: OutboxEntry) async throws(Problem) -> OutboxEntry {
        var entry = entry
        var pauses = pauses
        while entry.step == .deliver && !Task.isCancelled {
            do throws(Problem) {
                try await handIn(&entry)
                trouble(nil)
            } catch {
                if Task.isCancelled { break }
                guard await isWorthAnotherTry(error, entry) else {
                    try await refuse(&entry, error)
                    break
                }
                trouble(error)
                try? await Task.sleep(for: pauses.next())
            }
        }
        return entry
    }

    private func handIn(_ entry: inout OutboxEntry) async throws(Problem) {
        for output in entry.outputs where try await !coordinator.hasBlob(output.root) {
            try await coordinator.putBlob(output.root, try await outputs.source(output))
        }
        let answer = try await coordinator.submitResult(entry.leaseID, entry.result)
        try entry.apply(.accepted(answer.claim))
        try await store.keep(entry)
        await outputs.discard(entry)
        var facts = Self.facts(entry)
        facts["verification"] = .string(answer.verification.className)
        facts["check_us"] = .integer(answer.verification.checkMicroseconds)
        events.emit(.resultAttested, facts)
        bell.ring()
    }

    /// Time mends no file that is gone here.
    private func isWorthAnotherTry(_ problem: Problem, _ entry: OutboxEntry) async -> Bool {
        guard problem.code == .ioFailed else { return problem.mayPassOnDelivery }
        return await outputs.holds(entry)
    }

    /// A few at a time; the leases of all are kept alive from the first moment on.
    private func deliverLeftovers() async {
        let places = Gate(width: 4)
        await withDiscardingTaskGroup { group in
            for entry in leftovers { group.addTask { await self.deliverLeftover(entry, places) } }
        }
    }

    private func deliverLeftover(_ entry: OutboxEntry, _ places: Gate) async {
        await withDiscardingTaskGroup { group in
            // That they end is no reason to stop: the coordinator's answer to the result is what counts.
            group.addTask { _ = await Heartbeats(entry, to: self.coordinator).run(now: true) }
            if await places.enter() {
                do throws(Problem) { _ = try await deliver(entry) } catch { trouble(error) }
                places.leave()
            }
            group.cancelAll()
        }
    }

    // MARK: to the chain

    private func claimAll() async {
        var pauses = pauses
        var holds = ClaimHolds(self.pauses)
        while !Task.isCancelled {
            var wait = Duration.seconds(60)
            do throws(Problem) {
                let entries = try await store.find(in: ["attested", "claiming"])
                holds.keepOnly(entries.map(\.id))
                if !entries.isEmpty { wait = followEvery }
                let problem = try await claim(entries, &holds)
                pauses.reset()
                if !entries.isEmpty { trouble(problem) }
            } catch {
                if Task.isCancelled { return }
                trouble(error)
                wait = pauses.next()
            }
            await bell.wait(atMost: wait)
        }
    }

    /// Takes each a step further. One that has to wait, as for the chain's limit on mint, doesn't hold up the others.
    ///
    /// - Returns: why one waits; nil if none does.
    /// - Throws: an outage of the node, or of the disk.
    private func claim(_ entries: [OutboxEntry], _ holds: inout ClaimHolds) async throws(Problem) -> Problem? {
        var last: Problem?
        for entry in entries where !Task.isCancelled {
            if let reason = holds.reason(entry.id, at: .now) {
                last = reason
                continue
            }
            do throws(Problem) {
                try await claim(entry)
            } catch {
                if Task.isCancelled || error.code.isOutage { throw error }
                holds.put(entry.id, error, at: .now)
                last = error
            }
        }
        return last
    }

    /// - Throws: why the claim has to wait; it is on disk then in a phase to go on from.
    private func claim(_ entry: OutboxEntry) async throws(Problem) {
        var entry = entry
        if entry.step == .prepareClaim {
            guard case .attested(let claim) = entry.phase else { return }
            let taken = Set(try await store.find(in: ["claiming"]).compactMap(\.claimNonce))
            guard let transaction = try await claims.prepare(claim, besides: taken) else {
                return try await settle(&entry, try await claims.settledHeight(entry.id) ?? 0)
            }
            try entry.apply(.prepared(transaction))
            try await store.keep(entry)
        }
        guard case .claiming(let claim, let transaction) = entry.phase else { return }
        switch try await claims.follow(transaction, of: claim) {
        case .waiting: break
        case .sent:
            var facts = Self.facts(entry)
            facts["tx"] = .string(transaction.hash(on: entry.chain).hex)
            facts["fee"] = .integer(transaction.fee)
            events.emit(.claimSent, facts)
        case .settled(let height): try await settle(&entry, height)
        case .lost(let problem):
            try entry.apply(.unprepared)
            try await store.keep(entry)
            throw problem
        case .refused(let problem): try await refuse(&entry, problem)
        }
    }

    private func settle(_ entry: inout OutboxEntry, _ height: Int64) async throws(Problem) {
        try entry.apply(.settled(height: height))
        try await store.keep(entry)
        var facts = Self.facts(entry)
        facts["height"] = .integer(height)
        events.emit(.receiptConfirmed, facts)
    }

    private func refuse(_ entry: inout OutboxEntry, _ problem: Problem) async throws(Problem) {
        try entry.apply(.refused(problem))
        try await store.keep(entry)
        await outputs.discard(entry)
        events.emit(.resultRejected, Self.facts(entry).merging(problem.facts) { $1 }, weight: .warning)
    }

    private static func facts(_ entry: OutboxEntry) -> [String: JSON] {
        [
            "job_id": .string(entry.jobID.text), "receipt_id": .string(entry.id.text), "price": .integer(entry.result.receipt.terms.price),
            "compute_units": .integer(entry.result.receipt.terms.computeUnits),
        ]
    }
}

extension OutboxEntry {
    /// The nonce that a claim on its way takes.
    var claimNonce: Int64? { if case .claiming(_, let transaction) = phase { transaction.nonce } else { nil } }
}
