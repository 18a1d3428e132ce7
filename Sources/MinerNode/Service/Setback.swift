import Synchronization

/// After a failed lease, how long no other one is taken: a miner that can't do the work must not run through everybody's jobs.
package final class Setback: Sendable {
    private struct State {
        var pauses: Pauses
        var until: ContinuousClock.Instant?
    }

    private let state: Mutex<State>

    package init(_ pauses: Pauses) { state = Mutex(State(pauses: pauses)) }

    /// A lease failed: the pause grows.
    package func failed(at now: ContinuousClock.Instant = .now) { state.withLock { state in state.until = now + state.pauses.next() } }

    /// A result was accepted.
    package func worked() {
        state.withLock { state in
            state.pauses.reset()
            state.until = nil
        }
    }

    /// When the next lease may be taken; nil if at once.
    package var until: ContinuousClock.Instant? { state.withLock { $0.until } }

    /// Returns when the pause is over, or the task canceled.
    package func wait() async {
        while let until, until > .now, !Task.isCancelled { try? await Task.sleep(until: until) }
    }
}
