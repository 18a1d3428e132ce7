import ChainClient
import Jobs
import Operations
import Synchronization
import Wire

/// Leases that were given and not begun: those of a call for work, those that came with a result's answer, and those that an earlier
/// run, or a lost answer, has left.
///
/// A lease is begun once, however often it is heard of.
final class LeaseIntake: Sendable {
    private struct State {
        var queue: [(lease: Lease, since: ContinuousClock.Instant)] = []
        /// Ids of leases that wait here or are worked on.
        var known: Set<String> = []
        /// Ids of leases that an earlier run has computed.
        var skipped: Set<String> = []
        var isWanted = false
        /// Whether the last lease to begin was small: many more can be worked on.
        var isQuick = false
        var isInDoubt = true
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Rings when a lease has come.
    private let arrival = Doorbell()
    /// Rings when a lease is wanted, or may be held that might not before.
    private let demand = Doorbell()
    private let permit: WorkPermit
    private let limits: LiveLimits

    init(_ permit: WorkPermit, _ limits: LiveLimits) {
        (self.permit, self.limits) = (permit, limits)
        let demand = demand
        limits.whenChanged { demand.ring() }
    }

    /// The most leases that one call asks for.
    static let most = 16
    /// Small leases that may wait here, so that there is a next one however many end at one time.
    private static let reserve = 24

    /// How many leases a result's answer may bring: enough to go on with, no more. None while no lease is wanted, or big ones compute.
    var wanted: Int? {
        guard permit.mayTake else { return nil }
        let places = places
        return state.withLock { state in
            guard !state.isClosed, state.isWanted || state.isQuick else { return nil }
            let room = min(Self.most, Self.reserve - state.queue.count, places)
            return room > 0 ? room : nil
        }
    }

    /// How many more leases may be held: all that wait here or are worked on count.
    var places: Int {
        guard let most = limits.now.jobsAtOnce else { return Self.most }
        return max(0, min(Self.most, most - count))
    }

    /// Leases that wait here or are worked on.
    var count: Int { state.withLock { $0.known.count } }

    /// Ids of leases that need not be begun: their results are in the outbox.
    func skip(_ ids: Set<String>) { state.withLock { $0.skipped.formUnion(ids) } }

    /// Takes leases in; those that are known already are left out.
    func add(_ leases: [Lease]) {
        guard !leases.isEmpty else { return }
        let now = ContinuousClock.now
        state.withLock { state in
            for lease in leases where !state.skipped.contains(lease.id) && state.known.insert(lease.id).inserted { state.queue.append((lease, now)) }
        }
        arrival.ring()
    }

    /// An answer may have been lost, and leases with it: the coordinator is asked what it thinks is held here.
    func doubt() { state.withLock { $0.isInDoubt = true } }

    /// Whether to ask what is held, once.
    func takeDoubt() -> Bool {
        state.withLock { state in
            defer { state.isInDoubt = false }
            return state.isInDoubt
        }
    }

    /// The next lease to begin; nil if the task was canceled. Only one task may wait here.
    ///
    /// - Parameter isSmall: whether a lease is the work of a moment.
    func next(isSmall: (Lease) -> Bool) async -> Lease? {
        while !Task.isCancelled {
            let lease: Lease? = state.withLock { state in
                state.isWanted = state.queue.isEmpty
                guard !state.queue.isEmpty else { return nil }
                let lease = state.queue.removeFirst().lease
                state.isQuick = isSmall(lease)
                return lease
            }
            if let lease { return lease }
            demand.ring()
            await arrival.wait(atMost: .seconds(60))
        }
        return nil
    }

    /// Returns when a lease is wanted and may be held, or the task is canceled.
    func untilWanted() async {
        while !Task.isCancelled, !(state.withLock { $0.isWanted && $0.queue.isEmpty } && places > 0) { await demand.wait(atMost: .seconds(60)) }
    }

    /// A lease is done with, one way or the other.
    func forget(_ id: String) {
        state.withLock { _ = $0.known.remove(id) }
        demand.ring()
    }

    /// Those that have waited here for their heartbeat's time since they came, or were asked for last.
    func due(now: ContinuousClock.Instant = .now) -> [Lease] {
        state.withLock { state in
            var due: [Lease] = []
            for index in state.queue.indices where now - state.queue[index].since >= .milliseconds(state.queue[index].lease.heartbeatMilliseconds) {
                state.queue[index].since = now
                due.append(state.queue[index].lease)
            }
            return due
        }
    }

    /// Takes a lease away that is over.
    func drop(_ id: String) {
        state.withLock { state in
            state.queue.removeAll { $0.lease.id == id }
            state.known.remove(id)
        }
        demand.ring()
    }

    /// A lease that could not begin waits again, before the others.
    func putBack(_ lease: Lease) { state.withLock { $0.queue.insert((lease, .now), at: 0) } }

    /// Takes out what has not begun: somebody else is to have it.
    func takeAll() -> [Lease] {
        state.withLock { state in
            defer { state.queue = [] }
            for (lease, _) in state.queue { state.known.remove(lease.id) }
            return state.queue.map(\.lease)
        }
    }

    /// Takes in nothing more; gives what has not begun.
    func close() -> [Lease] {
        state.withLock { state in
            state.isClosed = true
            defer { state.queue = [] }
            return state.queue.map(\.lease)
        }
    }
}
