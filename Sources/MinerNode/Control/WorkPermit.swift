import Foundation
import Jobs
import Synchronization

/// Whether the miner may work now, and if not, why: what everybody asks who begins something, and what running computations stand still for.
///
/// Several have a say, each for itself: the operator and the limits, the devices, the disk.
final class WorkPermit: Sendable {
    /// Who says no. The first one's reason is told.
    enum Source: Int, CaseIterable, Sendable {
        /// The operator's word, the hour, the machine's other users: `WorkPermission`.
        case permission
        /// No device may be used.
        case devices
        /// The disk's limit is reached.
        case disk
    }

    struct Halt: Sendable, Equatable {
        let reason: WorkReason
        /// Whether computations that run stand still, too. Otherwise only nothing new is taken.
        let holds: Bool
    }

    private struct State {
        var halts: [Source: Halt] = [:]
        /// Since when computations have been held.
        var heldSince: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    private let changes = Broadcast()

    /// Says no, or takes it back with nil.
    func set(_ source: Source, _ halt: Halt?) {
        let isNew = state.withLock { state in
            guard state.halts[source] != halt else { return false }
            state.halts[source] = halt
            let holds = state.halts.values.contains { $0.holds }
            if !holds { state.heldSince = nil } else if state.heldSince == nil { state.heldSince = .now }
            return true
        }
        if isNew { changes.notify() }
    }

    /// Why nothing new is taken; nil while something is.
    var halt: Halt? {
        let halts = state.withLock { $0.halts }
        return Source.allCases.lazy.compactMap { halts[$0] }.first
    }

    /// What one of them says.
    func halt(of source: Source) -> Halt? { state.withLock { $0.halts[source] } }

    var mayTake: Bool { state.withLock { $0.halts.isEmpty } }

    /// Whether running computations stand still.
    var isHolding: Bool { state.withLock { $0.heldSince != nil } }

    /// How long they have; nil where they don't.
    func heldFor(now: ContinuousClock.Instant = .now) -> Duration? { state.withLock { $0.heldSince.map { now - $0 } } }

    // MARK: waiting

    /// Returns when something new may be taken, or the task is canceled.
    func untilMayTake() async { await until { self.mayTake } }

    /// Returns when nothing new may be taken, or the task is canceled.
    func untilMayNotTake() async { await until { !self.mayTake } }

    /// Returns when a computation may go on, or the task is canceled.
    func untilMayCompute() async { await until { !self.isHolding } }

    /// Returns when computations have been held for so long without a break, or the task is canceled.
    func untilHeld(for limit: Duration) async {
        while !Task.isCancelled {
            await until { self.isHolding }
            guard let since = state.withLock({ $0.heldSince }) else { continue }
            try? await Task.sleep(until: since + limit)
            if !Task.isCancelled, state.withLock({ $0.heldSince }) == since { return }
        }
    }

    /// Blocks the thread until a computation may go on, or `isOver` says that there is none any more; both are asked ten times a second.
    func blockWhileHolding(_ isOver: () -> Bool) { while isHolding, !isOver() { Thread.sleep(forTimeInterval: 0.1) } }

    private func until(_ isTrue: () -> Bool) async {
        while !Task.isCancelled {
            let generation = changes.generation
            if isTrue() { return }
            await changes.wait(after: generation)
        }
    }
}
