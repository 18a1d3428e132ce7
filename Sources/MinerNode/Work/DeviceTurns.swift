import Jobs
import Kernels
import Synchronization
import Wire

/// A turn at a device: nothing else is computed there until it is given back with `DeviceTurns.leave`.
struct DeviceTurn: Sendable {
    let device: MinerDevice
    /// Operations a second of such work there, measured or seen; nil where that isn't known.
    let speed: Double?
    fileprivate let id: UInt64
    fileprivate let place: Int
}

/// Gives out the devices: one computation at a time on each, as many at once as there are devices and as their tensors have room in memory.
///
/// Whoever waits stands in one line for all of them; `EarliestFinish` says anew at each change who goes where. So a job takes the device that is free
/// when its turn comes, whichever was put aside or is held up meanwhile.
final class DeviceTurns: Sendable {
    private struct Waiter {
        let id: UInt64
        let candidates: [EarliestFinish.Candidate]
        let bytes: Int
        let control: WorkControl
        let speeds: [Int: Double]
        let continuation: CheckedContinuation<Result<DeviceTurn, Problem>, Never>
    }

    private struct Turn {
        let id: UInt64
        let since: ContinuousClock.Instant
        let seconds: Double
        let bytes: Int
        let control: WorkControl

        /// Until it ends, as far as one knows: a computation that takes longer than was thought takes an eighth longer still.
        func remaining(_ now: ContinuousClock.Instant) -> Double {
            let elapsed = (now - since) / .seconds(1)
            return max(seconds - elapsed, elapsed / 8)
        }
    }

    private struct State {
        var waiters: [Waiter] = []
        /// By the device's place.
        var turns: [Int: Turn] = [:]
        var lastID: UInt64 = 0

        var bytes: Int { turns.values.reduce(0) { $0 &+ $1.bytes } }
    }

    /// Rings when a turn begins, ends, or a device has become another.
    let changes = Broadcast()
    let devices: DevicePool
    private let memoryCap: @Sendable () -> Int
    private let speeds = WorkSpeeds()
    private let state = Mutex(State())

    /// - Parameter memoryCap: the most bytes of tensors in the computations of one time.
    init(_ devices: DevicePool, memoryCap: @escaping @Sendable () -> Int) { (self.devices, self.memoryCap) = (devices, memoryCap) }

    // MARK: turns

    /// Waits for the device where a kernel is done first.
    ///
    /// - Parameter control: the computation's; once it has passed on, its end is near.
    /// - Throws: `canceled`; `unsupported_dtype` if no device can do it; `backend_unavailable` if those that can are put aside.
    func take(_ kernel: any Kernel, _ control: WorkControl) async throws(Problem) -> DeviceTurn {
        let able = try devices.able(kernel)
        var candidates: [EarliestFinish.Candidate] = []
        var known: [Int: Double] = [:]
        for (device, speed) in zip(able, speeds.speeds(kernel, able) { devices.all[$0].productSpeed }) {
            candidates.append(EarliestFinish.Candidate(device: device.place, seconds: Double(kernel.operations) / speed.estimate))
            known[device.place] = speed.known
        }
        return try await wait(candidates, known, bytes: kernel.memoryBytes, control)
    }

    /// Waits for one device, for work of a moment.
    func take(_ device: MinerDevice, _ control: WorkControl) async throws(Problem) -> DeviceTurn {
        guard let place = devices.all.firstIndex(where: { $0 === device }) else { throw Problem(.internalError, "\(device.name) is no device of this miner") }
        return try await wait([EarliestFinish.Candidate(device: place, seconds: 0)], [:], bytes: 0, control)
    }

    private func wait(
        _ candidates: [EarliestFinish.Candidate], _ speeds: [Int: Double], bytes: Int, _ control: WorkControl
    ) async throws(Problem) -> DeviceTurn {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        let outcome: Result<DeviceTurn, Problem> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waiter = Waiter(id: id, candidates: candidates, bytes: bytes, control: control, speeds: speeds, continuation: continuation)
                let isCanceled = state.withLock { state in
                    if Task.isCancelled { return true }
                    state.waiters.append(waiter)
                    return false
                }
                if isCanceled { continuation.resume(returning: .failure(Self.canceled)) } else { look() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0).continuation }
            }
            waiter?.resume(returning: .failure(Self.canceled))
            look()
        }
        return try outcome.get()
    }

    static let canceled = Problem(.canceled, "stopped before the computation")

    /// A job was done in this turn: the next ones like it are placed by what it took.
    ///
    /// - Parameter took: the kernel's own time, without rests.
    func note(_ kernel: any Kernel, _ turn: DeviceTurn, took: Duration) { speeds.note(kernel, on: turn.place, took: took) }

    func leave(_ turn: DeviceTurn) {
        state.withLock { state in if state.turns[turn.place]?.id == turn.id { state.turns[turn.place] = nil } }
        look()
    }

    /// Gives out what is free. Also called when a device was put aside, is well again, or another speed is asked of it.
    func look(now: ContinuousClock.Instant = .now) {
        let cap = memoryCap()
        let ready = state.withLock { state in
            var ready: [(CheckedContinuation<Result<DeviceTurn, Problem>, Never>, Result<DeviceTurn, Problem>)] = []
            var left: [Waiter] = []
            var isFull = false
            for (waiter, place) in zip(state.waiters, places(state, now)) {
                guard let place else {
                    ready.append((waiter.continuation, .failure(Problem(.backendUnavailable, "every device that could do this is quarantined"))))
                    continue
                }
                let (sum, overflow) = state.bytes.addingReportingOverflow(waiter.bytes)
                let isFree = state.turns[place.device] == nil
                // What is alone has been checked against the limit by itself; whoever waits for memory gets it before those behind.
                if isFree, overflow || sum > cap, !state.turns.isEmpty { isFull = true }
                guard isFree, !isFull else {
                    left.append(waiter)
                    continue
                }
                let seconds = waiter.candidates.first { $0.device == place.device }?.seconds ?? 0
                state.turns[place.device] = Turn(id: waiter.id, since: now, seconds: seconds, bytes: waiter.bytes, control: waiter.control)
                let turn = DeviceTurn(device: devices.all[place.device], speed: waiter.speeds[place.device], id: waiter.id, place: place.device)
                ready.append((waiter.continuation, .success(turn)))
            }
            state.waiters = left
            return ready
        }
        for (continuation, outcome) in ready { continuation.resume(returning: outcome) }
        changes.notify()
    }

    private func places(_ state: borrowing State, _ now: ContinuousClock.Instant) -> [EarliestFinish.Place?] {
        guard !state.waiters.isEmpty else { return [] }
        let turns = state.turns
        let now = devices.all.enumerated().map { place, device in
            let turn = turns[place]
            return EarliestFinish.Device(
                mayWork: device.mayWork, duty: device.pacer.duty, freeIn: turn?.remaining(now) ?? 0, isTaken: turn.map { !$0.control.hasPassedOn } ?? false)
        }
        return EarliestFinish.places(state.waiters.map(\.candidates), now)
    }

    // MARK: how full it is

    /// Computations that wait.
    var waiting: Int { state.withLock { $0.waiters.count } }

    /// Computations that wait behind others that are not past their half, or that wait themselves. Those of a moment don't count.
    func behind(now: ContinuousClock.Instant = .now) -> Int {
        state.withLock { state in
            zip(state.waiters, places(state, now)).count { waiter, place in place?.isBehind == true && !waiter.control.hasPassedOn }
        }
    }
}
