package import ChainClient
package import Jobs
package import Wire

/// Hands results in: small ones that come while a call is on its way go into the next one together.
///
/// A full message goes out beside the call that is on its way, so that the coordinator has something to do between two calls, and
/// nobody waits for a call that takes long. A result whose check takes long has a call of its own, so that nobody waits for it.
package actor ResultDesk {
    private let coordinator: CoordinatorClient
    private var waiting: [(id: UInt64, item: ResultBatch.Item)] = []
    /// Those who have no answer yet, also of messages on their way.
    private var askers: [UInt64: CheckedContinuation<Result<ResultAnswer, Problem>, Never>] = [:]
    private var lastID: UInt64 = 0
    /// Calls on their way.
    private var calls = 0
    /// When the last one began.
    private var called = ContinuousClock.now
    /// When the last answer came.
    private var answered: ContinuousClock.Instant?
    private var isWatched = false
    private static let mostCalls = 4
    private static let long = Duration.milliseconds(250)
    private static let soon = Duration.milliseconds(50)
    private static let gathering = Duration.milliseconds(3)

    /// Outputs in one message: with base64 and the receipts it stays below a coordinator's 256 KiB.
    private static let bytesTogether = 96 << 10
    /// What was computed in so short a time is checked in a shorter one.
    private static let smallMicroseconds: Int64 = 20_000

    package init(_ coordinator: CoordinatorClient) { self.coordinator = coordinator }

    /// The coordinator's answer to the result. Throws what a call for it alone would throw.
    package func submit(_ lease: String, _ submission: ResultSubmission, hasFiles: Bool) async throws(Problem) -> ResultAnswer {
        guard !hasFiles, submission.result.timing.computeMicroseconds < Self.smallMicroseconds else {
            return try await coordinator.submit(lease, submission)
        }
        lastID += 1
        let id = lastID
        let outcome: Result<ResultAnswer, Problem> = await withTaskCancellationHandler {
            await withCheckedContinuation { answer in
                guard !Task.isCancelled else { return answer.resume(returning: .failure(Self.canceled)) }
                askers[id] = answer
                waiting.append((id, ResultBatch.Item(lease, submission)))
                begin()
                if !isWatched {
                    isWatched = true
                    Task { await self.watch() }
                }
            }
        } onCancel: {
            Task { await self.leave(id) }
        }
        return try outcome.get()
    }

    /// The result stays in the outbox; whether it was committed is asked for at the next start.
    private static let canceled = Problem(.canceled, "stopped while the result was on its way")

    private func leave(_ id: UInt64) {
        waiting.removeAll { $0.id == id }
        askers.removeValue(forKey: id)?.resume(returning: .failure(Self.canceled))
    }

    /// Begins a call where there is reason for one.
    private func begin() {
        guard !waiting.isEmpty, calls == 0 || calls < Self.mostCalls && (isFull || isLong) else { return }
        calls += 1
        // A task of its own: others wait for its answers when the first one is canceled.
        Task { await self.sendAll() }
    }

    /// Sees to it that what waits goes out although the calls on their way don't end.
    private func watch() async {
        while !waiting.isEmpty {
            try? await Task.sleep(for: Self.long)
            begin()
        }
        isWatched = false
    }

    /// Whether the call that began last takes long.
    private var isLong: Bool { .now - called > Self.long }
    private var isFull: Bool { waiting.count >= ResultBatch.most }

    /// All that waits; a call beside others leaves to them what doesn't fill a message.
    private func sendAll() async {
        while !waiting.isEmpty, calls == 1 || isFull || isLong {
            // Answers bring leases, and those results, by the dozen: so soon after one a call waits for company.
            if !isFull, let answered, .now - answered < Self.soon { try? await Task.sleep(for: Self.gathering) }
            let batch = takeBatch()
            guard !batch.isEmpty else { continue }
            called = .now
            let outcomes = await answers(to: batch.map(\.item))
            answered = .now
            for (one, outcome) in zip(batch, outcomes) { askers.removeValue(forKey: one.id)?.resume(returning: outcome) }
        }
        calls -= 1
    }

    /// The oldest ones that fit into one message; each lease once. None where all have left meanwhile.
    private func takeBatch() -> [(id: UInt64, item: ResultBatch.Item)] {
        var room = Self.bytesTogether
        var leases: Set<String> = []
        var count = 0
        for one in waiting.prefix(ResultBatch.most) {
            room -= one.item.submission.tensors.reduce(0) { $0 + $1.bytes.count }
            guard count == 0 || room >= 0, leases.insert(one.item.lease).inserted else { break }
            count += 1
        }
        defer { waiting.removeFirst(count) }
        return Array(waiting.prefix(count))
    }

    private func answers(to items: [ResultBatch.Item]) async -> [Result<ResultAnswer, Problem>] {
        if items.count == 1 { return [await answer(to: items[0])] }
        do throws(Problem) {
            return try await coordinator.submit(ResultBatch(items)).outcomes
        } catch {
            if error.isTransient { return items.map { _ in .failure(error) } }
        }
        // What a coordinator has against the message, such as one of a version without this route, it has against none of the results.
        var answers: [Result<ResultAnswer, Problem>] = []
        for item in items { answers.append(await answer(to: item)) }
        return answers
    }

    private func answer(to item: ResultBatch.Item) async -> Result<ResultAnswer, Problem> {
        do throws(Problem) { return .success(try await coordinator.submit(item.lease, item.submission)) } catch { return .failure(error) }
    }
}
