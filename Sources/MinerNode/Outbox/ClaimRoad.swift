import ChainClient
import Jobs
import Ledger
import Wire

/// Brings signed receipts into blocks, many at a time, over any number of restarts.
///
/// A round prepares claims for what was signed lately, writes them down in one transaction, sends those that the node may not
/// have, and, when there is a new block, asks what became of those on their way. What is in memory here is on the disk as well.
actor ClaimRoad {
    private let store: OutboxStore
    private let desk: ClaimDesk
    private let outputs: OutputFolder
    private let events: EventSink
    private let metrics: MinerMetrics
    private let pauses: Pauses
    private let followEvery: Duration
    private let clock = MinerClock()
    private let trouble: @Sendable (Problem?) -> Void
    nonisolated let inbox = ClaimInbox(most: ClaimRoad.inMemory)

    /// Signed by the coordinator, without a claim on its way.
    private var signed = SignedQueue()

    /// Claims on their way, as they are on disk.
    private var claiming: [ReceiptID: OutboxEntry] = [:]
    /// Those that the node has.
    private var sent: Set<ReceiptID> = []
    private var holds: ClaimHolds
    /// The head that `claiming` was last compared with.
    private var seen: Int64?
    private var settled = 0

    /// Claims on their way at one time: below what a node keeps of one sender.
    private static let inFlight = 2_048
    /// Signed receipts for which claims are prepared in one round.
    private static let together = 512
    /// Signed receipts that are kept in memory, besides those that are held: a few KiB each. More wait on the disk alone.
    private static let inMemory = 4_096
    /// Rounds don't follow each other faster: receipts that come together are claimed together.
    private static let gathering = Duration.milliseconds(50)

    init(
        store: OutboxStore, desk: ClaimDesk, outputs: OutputFolder, events: EventSink, metrics: MinerMetrics, pauses: Pauses, followEvery: Duration,
        trouble: @escaping @Sendable (Problem?) -> Void
    ) {
        (self.store, self.desk, self.outputs, self.events, self.metrics) = (store, desk, outputs, events, metrics)
        (self.pauses, self.followEvery, self.trouble) = (pauses, followEvery, trouble)
        holds = ClaimHolds(pauses)
    }

    /// Until the task is canceled.
    func run() async {
        var pauses = pauses
        var isLoaded = false
        while !Task.isCancelled {
            var wait = Duration.seconds(60)
            do throws(Problem) {
                if !isLoaded {
                    for entry in try await store.find(in: ["claiming"], limit: .max) { claiming[entry.id] = entry }
                    isLoaded = true
                }
                let (problem, isIdle) = try await round()
                pauses.reset()
                if !isIdle {
                    wait = followEvery
                    trouble(problem)
                }
            } catch {
                if Task.isCancelled { return }
                trouble(error)
                wait = pauses.next()
            }
            await inbox.bell.wait(atMost: wait)
            try? await Task.sleep(for: Self.gathering)
        }
    }

    /// One round; gives why a claim waits, if one does, and whether nothing is left to do.
    ///
    /// - Throws: an outage of the node, or of the disk.
    private func round() async throws(Problem) -> (Problem?, isIdle: Bool) {
        try await collect()
        let room = min(Self.together, max(0, Self.inFlight - claiming.count))
        var (ready, reason) = signed.ready(room, holds: holds, at: .now)
        try await prepare(ready)
        try await send(&reason)
        try await follow(&reason)
        metrics.claims(inFlight: claiming.count)
        return (reason, signed.isEmpty && claiming.isEmpty)
    }

    /// Takes in what was signed: from the courier and, at the start and where that was too much at one time, from the disk.
    private func collect() async throws(Problem) {
        // Entries that are held don't keep others from being found.
        let room = Self.inMemory + holds.count
        if signed.count < room { for entry in inbox.take() { take(signed: entry) } }
        if signed.count < room / 2, inbox.takeMissed() {
            do throws(Problem) {
                let found = try await store.find(in: ["attested"], limit: room)
                if found.count == room { inbox.miss() }
                for entry in inbox.missing(of: found) { take(signed: entry) }
            } catch {
                inbox.miss()
                throw error
            }
        }
        holds.keepOnly { signed.contains($0) || claiming[$0] != nil }
    }

    private func take(signed entry: OutboxEntry) {
        if claiming[entry.id] == nil { signed.add(entry) }
    }

    /// Makes claims with the nonces that follow on those on their way, and writes all down before any is sent.
    private func prepare(_ ready: [OutboxEntry]) async throws(Problem) {
        guard !ready.isEmpty else { return }
        let claims = ready.compactMap { entry in if case .attested(let claim) = entry.phase { claim } else { nil } }
        let transactions = try await desk.prepare(claims, besides: Set(claiming.values.compactMap(\.claimNonce)))
        var prepared: [OutboxEntry] = []
        for (entry, transaction) in zip(ready, transactions) {
            var entry = entry
            try entry.apply(.prepared(transaction))
            prepared.append(entry)
        }
        try await store.keep(prepared)
        for entry in prepared { claiming[entry.id] = entry }
        signed.remove(Set(prepared.map(\.id)))
    }

    /// The claims on their way that the node has, or those that it may not have, in the order of nonces.
    private func claims(sent isSent: Bool) -> [OutboxEntry] {
        // Their places are sorted, and not the entries, which are large.
        claiming.values.filter { sent.contains($0.id) == isSent }.map { (nonce: $0.claimNonce ?? 0, id: $0.id) }
            .sorted { $0.nonce < $1.nonce }.compactMap { claiming[$0.id] }
    }

    /// Sends what the node may not have, in the order of nonces.
    private func send(_ reason: inout Problem?) async throws(Problem) {
        let unsent = claims(sent: false)
        var start = 0
        while start < unsent.count, !Task.isCancelled {
            let batch = Array(unsent[start..<min(unsent.count, start + NodeClient.transactionsAtOnce)])
            start += batch.count
            let outcomes = try await desk.send(batch.compactMap(\.claimTransaction))
            var changed: [OutboxEntry] = []
            for (entry, outcome) in zip(batch, outcomes) {
                switch outcome {
                case .success: changed.append(noteSent(entry))
                case .failure(let problem):
                    if problem.code.leavesTransactionOpen { throw problem }
                    try await handle(entry, try await desk.judge(problem, entry), &changed, &reason)
                }
            }
            try await put(changed)
        }
    }

    private func noteSent(_ entry: OutboxEntry) -> OutboxEntry {
        var entry = entry
        sent.insert(entry.id)
        entry.note(.claimSent, at: clock.milliseconds)
        if let transaction = entry.claimTransaction {
            var facts = entry.facts
            facts["tx"] = .string(transaction.hash(on: entry.chain).hex)
            facts["fee"] = .integer(transaction.fee)
            events.emit(.claimSent, facts)
        }
        return entry
    }

    /// Asks what became of claims, once for each new block.
    private func follow(_ reason: inout Problem?) async throws(Problem) {
        guard !claiming.isEmpty else { return }
        let head = try await desk.head()
        guard head != seen else { return }
        let entries = claims(sent: true)
        var start = 0
        while start < entries.count, !Task.isCancelled {
            let batch = Array(entries[start..<min(entries.count, start + NodeClient.namesAtOnce)])
            start += batch.count
            let states = try await desk.states(batch.compactMap(\.claimTransaction))
            var changed: [OutboxEntry] = []
            for (entry, state) in zip(batch, states) {
                switch state?.status {
                case .pending: break
                case .confirmed: settle(entry, state?.height ?? 0, &changed)
                case .failed:
                    let problem = state?.error ?? Problem(.badAnswer, "the claim failed without a reason")
                    try await handle(entry, try await desk.judge(problem, entry), &changed, &reason)
                // The node has forgotten it: it is sent again, or was settled by another transaction.
                case nil: sent.remove(entry.id)
                }
            }
            try await put(changed)
        }
        seen = head
    }

    private func handle(_ entry: OutboxEntry, _ outcome: ClaimDesk.Outcome, _ changed: inout [OutboxEntry], _ reason: inout Problem?) async throws(Problem) {
        var entry = entry
        switch outcome {
        case .settled(let height): settle(entry, height, &changed)
        case .lost(let problem):
            try entry.apply(.unprepared)
            // A gap, or a nonce that others used, is mended by a fresh claim; anything else takes time.
            if problem.code != .nonceGap && problem.code != .nonceTooLow {
                entry.wait(for: problem, at: clock.milliseconds)
                holds.put(entry.id, problem, at: .now)
                reason = problem
            }
            changed.append(entry)
        case .refused(let problem):
            try entry.apply(.refused(problem), at: clock.milliseconds)
            changed.append(entry)
            events.emit(.resultRejected, entry.facts.merging(problem.facts) { $1 }, weight: .warning)
        }
    }

    private func settle(_ entry: OutboxEntry, _ height: Int64, _ changed: inout [OutboxEntry]) {
        var entry = entry
        do throws(Problem) {
            try entry.apply(.settled(height: height), at: clock.milliseconds)
            changed.append(entry)
        } catch {
            trouble(error)
        }
    }

    /// Writes what became of claims, then tells.
    private func put(_ changed: [OutboxEntry]) async throws(Problem) {
        try await store.keep(changed)
        for entry in changed {
            if case .claiming = entry.phase {
                claiming[entry.id] = entry
            } else {
                claiming[entry.id] = nil
                sent.remove(entry.id)
            }
            if case .attested = entry.phase { signed.add(entry) }
            guard case .paid(_, let height) = entry.phase else { continue }
            settled += 1
            metrics.paid(units: entry.result.receipt.terms.computeUnits)
            var facts = entry.facts
            facts["height"] = .integer(height)
            facts["latency_ms"] = entry.timeline.milliseconds(from: .leased, to: .paid)
            events.emit(.receiptConfirmed, facts)
        }
        if settled >= 1_000 {
            settled = 0
            try await store.tidy()
        }
    }
}

extension OutboxEntry {
    /// The claim that was, or is about to be, sent.
    var claimTransaction: Transaction? { if case .claiming(_, let transaction) = phase { transaction } else { nil } }
}
