import Jobs
import Kernels
import Operations
import Wire

/// Watches the devices: puts one aside that errs, hangs or answers wrongly, asks each known questions every so often, and takes back what is well
/// again. The others go on meanwhile.
final class DeviceWarden: Sendable {
    private var devices: DevicePool { turns.devices }
    private let permit: WorkPermit
    private let events: EventSink
    /// A question to a device that works takes its turn among the jobs.
    private let turns: DeviceTurns
    private let leastSilence: Duration
    private let hangEndsAfter: Duration
    private let holdLeases: Duration

    /// - Parameters:
    ///   - leastSilence: how long a computation may always be silent.
    ///   - hangEndsAfter: how long the CPU may hang before the process gives itself up.
    ///   - holdLeases: how long a job waits for a device that is too hot.
    init(turns: DeviceTurns, permit: WorkPermit, events: EventSink, leastSilence: Duration, hangEndsAfter: Duration, holdLeases: Duration) {
        (self.turns, self.permit, self.events) = (turns, permit, events)
        (self.leastSilence, self.hangEndsAfter, self.holdLeases) = (leastSilence, hangEndsAfter, holdLeases)
    }

    /// How long a computation may give no sign of life: backends promise one a second, and a step that nothing can interrupt, such as a library's
    /// single call, is at most the whole work. Twice its time at the measured speed lets a busy machine be half as fast; where nobody measured,
    /// a lease's own limit of a millisecond for each unit.
    func patience(operations: Int64, speed: Double?) -> Duration {
        let whole = if let speed, speed > 0 { 2 * Double(operations) / speed } else { Double(operations) / 1e9 }
        return max(leastSilence, .seconds(min(whole, 86_400)))
    }

    // MARK: what went wrong

    /// A computation is silent for too long: nobody waits for it any more.
    private func hung(_ device: MinerDevice, _ control: WorkControl) {
        let problem = Problem(.backendUnavailable, "\(device.name) gave no sign of life for too long")
        failed(device, DeviceFailure(.deviceHangs, problem))
        control.giveBack(.deviceFailed, problem)
    }

    func failed(_ device: MinerDevice, _ failure: DeviceFailure) {
        device.failed(failure)
        tellPermit()
        events.emit(
            .deviceQuarantined, ["backend": .string(device.name), "reason": .string(failure.reason.rawValue)].merging(failure.problem.facts) { $1 },
            weight: .error)
    }

    /// Says no to everything while no device may be used, and gives out those that may.
    func tellPermit() {
        permit.set(.devices, devices.usable.isEmpty ? WorkPermit.Halt(reason: .noUsableDevice, holds: false) : nil)
        turns.look()
    }

    // MARK: known answers

    /// Looks after the devices until the task is canceled.
    ///
    /// - Throws: `device_hangs` when the CPU doesn't come back: only a new process can use it again.
    func run() async throws(Problem) {
        let stuck: Problem? = await withTaskGroup(of: Problem?.self) { group in
            group.addTask { await self.watch() }
            for device in devices.all {
                group.addTask {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: .seconds(1))
                        if device.isAnswerDue { await self.ask(device) }
                        await device.rest(after: Self.restsAfter)
                    }
                    return nil
                }
            }
            for await problem in group {
                if let problem {
                    group.cancelAll()
                    return problem
                }
            }
            return nil
        }
        if let stuck { throw stuck }
    }

    /// Far longer than the pauses between jobs of a miner that has work: taking the memory again costs milliseconds.
    private static let restsAfter = Duration.seconds(5)

    /// Ten times in the least silence, and at most twice a second.
    private func watch() async -> Problem? {
        let period = min(.milliseconds(500), max(.milliseconds(20), leastSilence / 10))
        while !Task.isCancelled {
            try? await Task.sleep(for: period)
            for device in devices.all {
                if let (control, silence) = device.lookForHang() {
                    events.emit(.deviceHangs, ["backend": .string(device.name), "silent_ms": .real(silence.milliseconds)], weight: .error)
                    hung(device, control)
                }
                if let stopped = device.pacer.stoppedFor(), stopped > holdLeases {
                    device.running?.giveBack(.overheated, Problem(.canceled, "\(device.name) is stopped until it is cooler"))
                }
                if device.isCPU, let since = device.stuckSince, .now - since > hangEndsAfter {
                    return Problem(
                        .deviceHangs, "\(device.name) has not come back for \(Int(hangEndsAfter / .seconds(1))) s, and no other process is there to end it")
                }
            }
            tellPermit()
        }
        return nil
    }

    /// Has a device compute known work; what comes of it decides whether it goes on, or may work again.
    func ask(_ device: MinerDevice) async {
        let control = WorkControl()
        var turn: DeviceTurn?
        if device.mayWork {
            do throws(Problem) { turn = try await turns.take(device, control) } catch { return }
        }
        defer { if let turn { turns.leave(turn) } }
        await permit.untilMayCompute()
        guard !Task.isCancelled, device.stuckSince == nil else { return }
        do throws(Problem) {
            let failure = try await device.run("adit-question", isQuick: false, patience: leastSilence, control) { (signs) throws(Problem) -> DeviceFailure? in
                do throws(DeviceFailure) {
                    try device.answer(control: control.run(sign: { signs.sign() }))
                    return nil
                } catch {
                    return error
                }
            }
            if let failure {
                failed(device, failure)
            } else if device.answered() {
                tellPermit()
                events.emit(.deviceTrusted, ["backend": .string(device.name), "state": .string(device.health.state.rawValue)])
            }
        } catch {
            // The task was canceled, or the device hangs, which is told already.
        }
    }
}
