import ChainClient
import Foundation
import Jobs
import Ledger
import Signing
import Wire

/// Brings what is in the outbox to the coordinator, over any number of restarts; `ClaimRoad` takes it on to the chain.
///
/// What it does next follows from an entry alone; what it did is on disk before it goes on.
final class Courier: Sendable {
    private let store: OutboxStore
    private let coordinator: CoordinatorClient
    private let outputs: OutputFolder
    private let intake: LeaseIntake
    private let events: EventSink
    private let pauses: Pauses
    private let clock: MinerClock
    private let signed: @Sendable () -> Void
    /// What an earlier run did not deliver.
    private let leftovers: [OutboxEntry]
    private let trouble: @Sendable (Problem?) -> Void

    /// Made before any work starts: what is `computed` now was left by an earlier run, and is this courier's to deliver.
    ///
    /// - Parameters:
    ///   - signed: is told that there is something to claim.
    ///   - trouble: is told the last problem that will be tried again, and nil when something worked.
    /// - Throws: `io_failed` if the outbox can't be read.
    init(
        store: OutboxStore, coordinator: CoordinatorClient, outputs: OutputFolder, intake: LeaseIntake, events: EventSink, pauses: Pauses, clock: MinerClock,
        signed: @escaping @Sendable () -> Void, trouble: @escaping @Sendable (Problem?) -> Void
    ) throws(Problem) {
        leftovers = try store.entries(in: ["computed"], limit: .max)
        (self.store, self.coordinator, self.outputs, self.intake, self.events) = (store, coordinator, outputs, intake, events)
        (self.pauses, self.clock, self.signed, self.trouble) = (pauses, clock, signed, trouble)
    }

    /// The leases whose results an earlier run has computed: nothing is left to do for them but to deliver.
    var leftoverLeases: Set<String> { Set(leftovers.map(\.leaseID)) }

    /// Delivers what an earlier run has left: a few at a time; the leases of all are kept alive from the first moment on.
    func run() async {
        let places = Gate(width: 4)
        await withDiscardingTaskGroup { group in
            for entry in leftovers { group.addTask { await self.deliverLeftover(entry, places) } }
        }
    }

    /// Hands in the result with its outputs and keeps the coordinator's signature; tries until there is an answer that counts.
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
                // The answer may have come to nobody, and new leases with it.
                if error.isTransient { intake.doubt() }
                trouble(error)
                if entry.wait(for: error, at: clock.milliseconds) { try? await store.keep(entry) }
                try? await Task.sleep(for: pauses.next())
            }
        }
        return entry
    }

    private func handIn(_ entry: inout OutboxEntry) async throws(Problem) {
        var inline: [InlineTensor] = []
        var room = InlineTensor.maxBytes
        for output in entry.outputs {
            switch output.place {
            case .here(let bytes) where bytes.count <= room:
                room -= bytes.count
                inline.append(InlineTensor(root: output.root, bytes: bytes))
            case .here(let bytes): if try await !coordinator.hasBlob(output.root) { try await coordinator.putBlob(output.root, BytesSource(bytes)) }
            case .file: if try await !coordinator.hasBlob(output.root) { try await coordinator.putBlob(output.root, try await outputs.source(output)) }
            case .gone: break
            }
        }
        entry.note(.committed, at: clock.milliseconds)
        let submission = ResultSubmission(entry.result, tensors: inline, next: intake.wanted)
        let answer = try await coordinator.submit(entry.leaseID, submission)
        intake.add(answer.leases)
        try entry.apply(.accepted(answer.result.claim), at: clock.milliseconds)
        try await store.keep(entry)
        await outputs.discard(entry)
        var facts = entry.facts
        facts["verification"] = .string(answer.result.verification.className)
        facts["check_us"] = .integer(answer.result.verification.checkMicroseconds)
        facts["latency_ms"] = entry.timeline.milliseconds(from: .leased, to: .signed)
        events.emit(.resultAttested, facts)
        signed()
    }

    /// Time mends no file that is gone here.
    private func isWorthAnotherTry(_ problem: Problem, _ entry: OutboxEntry) async -> Bool {
        guard problem.code == .ioFailed else { return problem.mayPassOnDelivery }
        return await outputs.holds(entry)
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

    private func refuse(_ entry: inout OutboxEntry, _ problem: Problem) async throws(Problem) {
        try entry.apply(.refused(problem), at: clock.milliseconds)
        try await store.keep(entry)
        await outputs.discard(entry)
        events.emit(.resultRejected, entry.facts.merging(problem.facts) { $1 }, weight: .warning)
    }
}

extension OutboxEntry {
    /// What every event about a receipt says.
    var facts: [String: JSON] {
        [
            "job_id": .string(jobID.text), "receipt_id": .string(id.text), "price": .integer(result.receipt.terms.price),
            "compute_units": .integer(result.receipt.terms.computeUnits),
        ]
    }

    /// The nonce that a claim on its way takes.
    var claimNonce: Int64? { if case .claiming(_, let transaction) = phase { transaction.nonce } else { nil } }
}

extension Timeline {
    /// The time between two steps, for a log line; null unless both are known.
    func milliseconds(from first: Step, to last: Step) -> JSON {
        guard let begin = self[first], let end = self[last] else { return .null }
        return .integer(max(0, end - begin))
    }
}

/// Unix milliseconds by this machine's clock.
struct MinerClock: Sendable {
    var milliseconds: Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
