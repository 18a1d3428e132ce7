import Synchronization

/// How many leases are worked on, and whether one more would have a device soon.
///
/// A lease that waited behind a whole long computation could run out before its own turn. So the next one is begun when a device has nothing to do or
/// is past the half of what it does, and not while jobs pile up before one device that others can't help.
final class LeaseRoom: Sendable {
    private let turns: DeviceTurns
    private let prefetch: Int
    private let state = Mutex((held: 0, young: 0))

    /// - Parameter prefetch: leases that are fetched and wait, beside one that computes.
    init(_ turns: DeviceTurns, prefetch: Int) { (self.turns, self.prefetch) = (turns, max(0, prefetch)) }

    private var hasRoom: Bool {
        let devices = max(1, turns.devices.usable.count)
        let (held, young) = state.withLock { $0 }
        guard held < devices + prefetch, young < devices else { return false }
        // One device's line is what `young` counts.
        return devices == 1 || turns.behind() <= prefetch
    }

    /// Returns when another lease may be begun; false if the task was canceled before.
    func untilRoom() async -> Bool {
        while !Task.isCancelled {
            let generation = turns.changes.generation
            if hasRoom { return true }
            await turns.changes.wait(after: generation)
        }
        return false
    }

    func began() { state.withLock { state in (state.held, state.young) = (state.held + 1, state.young + 1) } }

    /// One of them is past its half, or will be in a moment.
    func passedOn() {
        state.withLock { $0.young -= 1 }
        turns.changes.notify()
    }

    func ended() {
        state.withLock { $0.held -= 1 }
        turns.changes.notify()
    }
}
