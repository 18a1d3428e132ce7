import Synchronization

/// How many threads a backend on the CPU takes: as many as at its start, or fewer while somebody says so.
package final class ThreadLimit: Sendable {
    /// At the start, and never more.
    package let most: Int
    private let now: Atomic<Int>

    package init(_ threads: Int) {
        most = max(1, threads)
        now = Atomic(most)
    }

    /// For the next piece of work.
    package var count: Int { now.load(ordering: .relaxed) }

    /// nil: as many as at the start. Fewer than one is one.
    package func limit(_ threads: Int?) { now.store(min(most, max(1, threads ?? most)), ordering: .relaxed) }
}
