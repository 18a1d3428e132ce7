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
    private let results: ResultDesk
    private let outputs: OutputFolder
    private let intake: LeaseIntake
    private let events: EventSink
    private let pauses: Pauses
    private let clock: MinerClock
    private let signed: ClaimInbox
    /// What an earlier run did not deliver.
    private let leftovers: [OutboxEntry]
    private let trouble: @Sendable (Problem?) -> Void

    /// Made before any work starts: what is `computed` now was left by an earlier run, and is this courier's to deliver.
    ///
    /// - Parameters:
    ///   - signed: gets what there is to claim.
    ///   - trouble: is told the last problem that will be tried again, and nil when something worked.
    /// - Throws: `io_failed` if the outbox can't be read.
    init(
        store: OutboxStore, coordinator: CoordinatorClient, outputs: OutputFolder, intake: LeaseIntake, events: EventSink, pauses: Pauses, clock: MinerClock,
        signed: ClaimInbox, trouble: @escaping @Sendable (Problem?) -> Void
    ) throws(Problem) {
        leftovers = try store.entries(in: ["computed"], limit: .max)
        results = ResultDesk(coordinator)
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
    /// Returns the entry as it is on the disk then; still `computed` if the task was canceled.
    func deliver(_ entry: OutboxEntry) async -> OutboxEntry {
        var entry = entry
        var pauses = pauses
        while entry.step == .deliver && !Task.isCancelled {
            do throws(Problem) {
                let (accepted, record) = try await handIn(&entry)
                trouble(nil)
                signed.expect(entry.id)
                let kept = await keep(accepted, after: entry) {
                    var facts = accepted.facts
                    facts["verification"] = .string(record.className)
                    facts["check_us"] = .integer(record.checkMicroseconds)
                    facts["latency_ms"] = accepted.timeline.milliseconds(from: .leased, to: .signed)
                    events.emit(.resultAttested, facts)
                    signed.put(accepted)
                }
                if kept.phase == .computed { signed.giveUp(entry.id) }
                return kept
            } catch {
                if Task.isCancelled { break }
                guard await isWorthAnotherTry(error, entry) else {
                    var refused = entry
                    do throws(Problem) { try refused.apply(.refused(error), at: clock.milliseconds) } catch { return entry }
                    return await keep(refused, after: entry) {
                        events.emit(.resultRejected, refused.facts.merging(error.facts) { $1 }, weight: .warning)
                    }
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

    /// Gives the entry with the coordinator's signature, which is for this receipt, and what the check came to.
    private func handIn(_ entry: inout OutboxEntry) async throws(Problem) -> (accepted: OutboxEntry, record: VerificationRecord) {
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
        let hasFiles = entry.outputs.contains { $0.file != nil }
        let answer = try await results.submit(entry.leaseID, submission, hasFiles: hasFiles)
        intake.add(answer.leases)
        var accepted = entry
        try accepted.apply(.accepted(answer.result.claim), at: clock.milliseconds)
        return (accepted, answer.result.verification)
    }

    /// Writes down what came of a result, however long the disk fails: what the coordinator has decided is decided, and an answer
    /// that is in no outbox is asked for again at the next start.
    ///
    /// - Parameters:
    ///   - entry: what is on the disk so far.
    ///   - then: runs once the next one is there.
    /// - Returns: what is on the disk then: `entry` where the task was canceled first.
    private func keep(_ next: OutboxEntry, after entry: OutboxEntry, then: () -> Void) async -> OutboxEntry {
        var pauses = pauses
        while true {
            do throws(Problem) {
                try await store.keep(next)
                trouble(nil)
                await outputs.discard(next)
                then()
                return next
            } catch {
                trouble(error)
                events.emit(.outboxFailed, entry.facts.merging(error.facts) { $1 }, weight: .warning)
            }
            do { try await Task.sleep(for: pauses.next()) } catch { return entry }
        }
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
                _ = await deliver(entry)
                places.leave()
            }
            group.cancelAll()
        }
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
