import ChainClient
import Ledger
import Wire

/// Asks the node for escrows: questions that come while one call is on its way, or right after one, go into the next one together.
actor EscrowDesk {
    private let node: NodeClient
    private var questions: [(job: JobID, answer: CheckedContinuation<Result<EscrowRecord?, Problem>, Never>)] = []
    private var isAsking = false
    private var lastAnswer: ContinuousClock.Instant?
    /// Leases come by the dozen and begin one after the other: a call for the first one alone would be one too many.
    private static let gathering = Duration.milliseconds(2)
    /// A call so soon after another one waits for company.
    private static let soon = Duration.milliseconds(100)

    init(_ node: NodeClient) { self.node = node }

    /// The job's escrow; nil where none was ever opened.
    func escrow(_ job: JobID) async throws(Problem) -> EscrowRecord? {
        let outcome: Result<EscrowRecord?, Problem> = await withCheckedContinuation { answer in
            questions.append((job, answer))
            guard !isAsking else { return }
            isAsking = true
            // A task of its own: others wait for its answers when the first asker is canceled.
            Task { await self.askAll() }
        }
        return try outcome.get()
    }

    private func askAll() async {
        while !questions.isEmpty {
            if let lastAnswer, .now - lastAnswer < Self.soon { try? await Task.sleep(for: Self.gathering) }
            let batch = Array(questions.prefix(NodeClient.namesAtOnce))
            questions.removeFirst(batch.count)
            let outcome = await answers(batch.map(\.job))
            lastAnswer = .now
            for (index, question) in batch.enumerated() { question.answer.resume(returning: outcome.map { $0[index] }) }
        }
        isAsking = false
    }

    private func answers(_ jobs: [JobID]) async -> Result<[EscrowRecord?], Problem> {
        do throws(Problem) {
            return .success(try await node.getEscrows(jobs))
        } catch {
            return .failure(error)
        }
    }
}
