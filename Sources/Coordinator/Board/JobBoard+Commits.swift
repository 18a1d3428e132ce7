import Jobs
import Ledger
import Signing
import Wire

/// An examined commitment that waits for the disk.
struct PendingCommit: Sendable {
    let lease: String
    let job: JobID
    let result: LeaseResult
    /// Outputs that came with the message.
    let small: [InlineTensor]
}

/// One commitment in the line for the next transaction.
struct CommitWaiter {
    let commit: PendingCommit
    /// Runs with the commitment written, before anything else happens to the lease.
    let then: () -> Void
    /// Takes what became of it, once.
    let done: (Result<Void, Problem>) -> Void
}

/// Puts together what becomes of several commitments.
private final class CommitTally {
    private var outcomes: [Result<Void, Problem>?]
    private var open: Int
    private let done: ([Result<Void, Problem>]) -> Void

    init(count: Int, done: @escaping ([Result<Void, Problem>]) -> Void) {
        (outcomes, open, self.done) = (Array(repeating: nil, count: count), count, done)
    }

    func note(_ outcome: Result<Void, Problem>, at index: Int) {
        outcomes[index] = outcome
        open -= 1
        if open == 0 { done(outcomes.compactMap(\.self)) }
    }
}

// Commitments that come while the disk is busy share one wait for it: with many small jobs that wait is most of their time.
extension JobBoard {
    /// Returns when the commitments are on the disk and on their way to the check; or what speaks against each.
    ///
    /// - Parameter new: with what runs on the board when that is so, before the check can end.
    /// - Returns: of each, what the job's state has against it by now; `unavailable` where the lease's commitment is being written already.
    func write(_ new: [(commit: PendingCommit, then: () -> Void)]) async -> [Result<Void, Problem>] {
        guard !new.isEmpty else { return [] }
        return await withCheckedContinuation { continuation in
            let tally = CommitTally(count: new.count) { continuation.resume(returning: $0) }
            let wereNone = commits.isEmpty
            for (index, one) in new.enumerated() {
                let lease = one.commit.lease
                guard committing.insert(lease).inserted else {
                    tally.note(.failure(Problem(.unavailable, "this result is being written; ask again")), at: index)
                    continue
                }
                commits.append(
                    CommitWaiter(commit: one.commit, then: one.then) { outcome in
                        self.committing.remove(lease)
                        tally.note(outcome, at: index)
                    })
            }
            // It takes its place behind the messages that are here already, and takes what they bring along.
            if wereNone, !commits.isEmpty { Task { self.writeCommits() } }
        }
    }

    private func writeCommits() {
        let batch = commits
        commits = []
        guard let problem = write(batch) else { return }
        if batch.count == 1 { return batch[0].done(.failure(problem)) }
        // One of them may be what the store has against all.
        for one in batch {
            if let problem = write([one]) { one.done(.failure(problem)) }
        }
    }

    /// One transaction for those whose jobs still take them; the others are told why not. Where it fails nobody is told: returns why.
    private func write(_ batch: [CommitWaiter]) -> Problem? {
        let own = configuration.key.address
        var steps: [BoardStep] = []
        var taken: [CommitWaiter] = []
        var refused: [(CommitWaiter, Problem)] = []
        for one in batch {
            let commit = one.commit
            do throws(Problem) {
                let step = try step(commit.job, .committed(lease: commit.lease, fence: commit.result.fence)) { $0.lease?.commitment = commit.result }
                if let step { steps.append(step) }
                taken.append(one)
            } catch {
                refused.append((one, error))
            }
        }
        let kept = taken.flatMap { $0.commit.small.map { SmallBlob(root: $0.root, bytes: $0.bytes, owner: own) } }
        for one in taken { fresh[one.commit.lease] = one.commit.small }
        defer { for one in taken { fresh[one.commit.lease] = nil } }
        do throws(Problem) {
            if !steps.isEmpty { try make(steps, blobs: kept) { gate.add(own, bytes: kept.reduce(0) { $0 + $1.bytes.count }) } }
        } catch {
            return error
        }
        let now = clock.nowMilliseconds
        for one in taken {
            committedAt[one.commit.lease] = now
            one.then()
            one.done(.success(()))
        }
        for (one, problem) in refused { one.done(.failure(problem)) }
        return nil
    }
}
