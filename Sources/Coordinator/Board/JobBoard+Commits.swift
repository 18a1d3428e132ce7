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
    let done: CheckedContinuation<Result<Void, Problem>, Never>
}

// Commitments that come while the disk is busy share one wait for it: with many small jobs that wait is most of their time.
extension JobBoard {
    /// Returns when the commitment is on the disk and on its way to the check.
    ///
    /// - Parameter then: runs on the board when that is so, before the check can end.
    /// - Throws: what the job's state has against it by now; `unavailable` where the lease's commitment is being written already.
    func write(_ commit: PendingCommit, then: @escaping () -> Void) async throws(Problem) {
        guard committing.insert(commit.lease).inserted else { throw Problem(.unavailable, "this result is being written; ask again") }
        let outcome: Result<Void, Problem> = await withCheckedContinuation { done in
            commits.append(CommitWaiter(commit: commit, then: then, done: done))
            // It takes its place behind the messages that are here already, and takes what they bring along.
            if commits.count == 1 { Task { self.writeCommits() } }
        }
        committing.remove(commit.lease)
        try outcome.get()
    }

    private func writeCommits() {
        let batch = commits
        commits = []
        guard let problem = write(batch) else { return }
        if batch.count == 1 { return batch[0].done.resume(returning: .failure(problem)) }
        // One of them may be what the store has against all.
        for one in batch {
            if let problem = write([one]) { one.done.resume(returning: .failure(problem)) }
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
        for one in taken {
            one.then()
            one.done.resume(returning: .success(()))
        }
        for (one, problem) in refused { one.done.resume(returning: .failure(problem)) }
        return nil
    }
}
