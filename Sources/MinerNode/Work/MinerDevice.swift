import Jobs
import Kernels
import Operations
import Profiler
import Synchronization
import Wire

/// One device of this miner: its backend, its health, its pace, and what it is doing.
///
/// A computation that hangs in a driver can't be ended from outside. The device is then *stuck*: nobody waits for it or uses it until the
/// computation comes back by itself.
final class MinerDevice: Sendable {
    private struct Run {
        let id: UInt64
        /// How long it may give no sign of life.
        let patience: Duration
        var sign: ContinuousClock.Instant
        /// How many threads stand still by order.
        var resting = 0
        let control: WorkControl
    }

    private struct State {
        var health: DeviceHealth
        var run: Run?
        /// Since when nothing has run on it that its memory was not given back after.
        var idleSince: ContinuousClock.Instant?
        /// Runs that were given up and have not come back.
        var stuck: Set<UInt64> = []
        var stuckSince: ContinuousClock.Instant?
        var lastRun: UInt64 = 0
        var questions: [BackendSelfTest.Question]?
        var units: Int64 = 0
        var jobs: Int64 = 0
        var reading = SensorReading()
        var meter = EnergyMeter()
        var throttle: WorkReason?
        var busy = BusyMeter()
    }

    let backend: any ComputeBackend
    let pacer = Pacer()
    /// Where small computations run: a thread for each would take longer than they do.
    private let quick: SharedThread
    private let state: Mutex<State>
    private let start: ContinuousClock.Instant

    init(_ backend: any ComputeBackend, policy: DeviceHealth.Policy) {
        self.backend = backend
        start = .now
        quick = SharedThread("adit.miner.\(backend.name)")
        // The profile ran on it.
        state = Mutex(State(health: DeviceHealth(policy: policy), idleSince: start))
    }

    var name: String { backend.name }
    var isCPU: Bool { backend.accelerator == nil }

    /// Monotonic, from this device's beginning: what its health counts in.
    private var now: Duration { .now - start }

    // MARK: health

    var health: DeviceHealth { state.withLock { $0.health } }

    /// Whether jobs may run on it.
    var mayWork: Bool { state.withLock { $0.health.mayWork && $0.stuck.isEmpty } }

    /// Since when a run of it has hung; nil where none does.
    var stuckSince: ContinuousClock.Instant? { state.withLock { $0.stuckSince } }

    func failed(_ failure: DeviceFailure) {
        state.withLock { $0.health.failed(failure.reason, detail: String(failure.problem.detail.prefix(300)), at: now) }
    }

    /// A known answer came out right. Whether its state changed with it.
    func answered() -> Bool { state.withLock { $0.health.answered(at: now) } }

    /// Whether a known answer should be computed now.
    var isAnswerDue: Bool { state.withLock { $0.health.isAnswerDue(at: now) && $0.stuck.isEmpty && $0.run == nil } }

    var healthJSON: JSON { state.withLock { $0.health.json(at: now) } }

    /// Computes known work and compares it. Synchronous and on a thread of the device's.
    func answer(control: RunControl) throws(DeviceFailure) {
        let questions: [BackendSelfTest.Question]
        do throws(Problem) {
            if let known = state.withLock({ $0.questions }) { questions = known } else { questions = try BackendSelfTest.questions(for: backend) }
        } catch {
            throw DeviceFailure(.deviceError, error)
        }
        state.withLock { $0.questions = questions }
        try BackendSelfTest.ask(backend, questions, control: control)
    }

    // MARK: work

    /// Runs a computation on a thread of its own, or on the device's queue where it is short, and watches it.
    ///
    /// Cancelling the waiting task, a hang, and whoever gives the lease back end the wait; the computation then has to look for itself, and a device
    /// that hangs is stuck until it does.
    ///
    /// - Parameters:
    ///   - patience: how long it may give no sign of life.
    ///   - control: the computation's, for whoever watches.
    ///   - body: is given what to call with each sign of life, and what it stands still with.
    func run<Value: Sendable>(
        _ name: String, isQuick: Bool, patience: Duration, _ control: WorkControl,
        _ body: @escaping @Sendable (RunSigns) throws(Problem) -> Value
    ) async throws(Problem) -> Value {
        let id = begin(patience, control)
        let outcome = await withTaskGroup(of: Result<Value, Problem>?.self) { group in
            group.addTask {
                await Result.of { () async throws(Problem) in
                    try await OwnThread.run(name, on: isQuick ? self.quick : nil) { () throws(Problem) in
                        // A short one may have waited in the queue.
                        self.sign(id)
                        self.pacer.begin()
                        self.state.withLock { $0.busy.begin(at: self.now) }
                        defer {
                            self.state.withLock { $0.busy.end(at: self.now) }
                            self.pacer.end()
                            self.end(id)
                        }
                        return try body(RunSigns(device: self, id: id))
                    }
                }
            }
            group.addTask { await control.untilGivenBack().map { .failure($0) } }
            var first: Result<Value, Problem>?
            while first == nil, let next = await group.next() { first = next }
            group.cancelAll()
            return first ?? .failure(Problem(.canceled, "nobody waits for \(name) any more"))
        }
        if Task.isCancelled, outcome.problem != nil { control.stop() }
        return try outcome.get()
    }

    private func begin(_ patience: Duration, _ control: WorkControl) -> UInt64 {
        state.withLock { state in
            state.lastRun += 1
            // One before that was stopped and hasn't come back yet is no longer watched: if it never does, this one waits for it, and is.
            state.run = Run(id: state.lastRun, patience: patience, sign: .now, control: control)
            return state.lastRun
        }
    }

    private func end(_ id: UInt64) {
        state.withLock { state in
            if state.run?.id == id { (state.run, state.idleSince) = (nil, .now) }
            state.stuck.remove(id)
            if state.stuck.isEmpty { state.stuckSince = nil }
        }
    }

    fileprivate func sign(_ id: UInt64, resting: Int = 0) {
        state.withLock { state in
            guard state.run?.id == id else { return }
            state.run?.sign = .now
            guard resting != 0, let before = state.run?.resting else { return }
            state.run?.resting += resting
            // Who stands still by order isn't at work.
            if before == 0 { state.busy.end(at: now) } else if before + resting == 0 { state.busy.begin(at: now) }
        }
    }

    /// Looks whether the computation has been silent for too long; then the device is stuck.
    ///
    /// - Returns: the computation's control and how long it was silent, if it has just been given up.
    func lookForHang(now: ContinuousClock.Instant = .now) -> (control: WorkControl, silence: Duration)? {
        state.withLock { state in
            guard let run = state.run, run.resting == 0, now - run.sign > run.patience else { return nil }
            state.run = nil
            state.stuck.insert(run.id)
            state.stuckSince = now
            return (run.control, now - run.sign)
        }
    }

    /// Gives back what the device keeps for a next run, once, where nothing has run on it for so long.
    func rest(after idle: Duration) async {
        let isDue = state.withLock { state in
            guard state.run == nil, state.stuck.isEmpty, let since = state.idleSince, .now - since > idle else { return false }
            state.idleSince = nil
            return true
        }
        guard isDue else { return }
        // On a thread of its own: drivers and the kernel take their time.
        try? await OwnThread.run("adit-rest") {
            self.backend.rest()
            if self.isCPU { ProgramPages.giveBack() }
        }
    }

    /// Its speed in large products of F32, or of I8 where it does no other, in operations a second; nil where that isn't known.
    var productSpeed: Double? {
        for arithmetic in [Arithmetic.f32, .f32Panel256, .i32Exact] {
            guard let product = try? GEMM(m: 2_048, n: 2_048, k: 2_048, arithmetic: arithmetic) else { continue }
            if let speed = backend.capability(for: product)?.operationsPerSecond { return speed }
        }
        return nil
    }

    /// The control of the computation that runs; nil where none does.
    var running: WorkControl? { state.withLock { $0.run?.control } }

    // MARK: figures

    func did(units: Int64) {
        state.withLock { state in
            state.jobs += 1
            state.units = state.units.addingReportingOverflow(units).overflow ? .max : state.units + units
        }
    }

    /// What its sensors said last, and what the governor makes of it.
    ///
    /// - Parameters:
    ///   - meter: the energy since the start.
    ///   - throttle: why it is slowed down; nil where it isn't.
    func note(_ reading: SensorReading, _ meter: EnergyMeter, throttle: WorkReason?) {
        state.withLock { state in (state.reading, state.meter, state.throttle) = (reading, meter, throttle) }
    }

    /// Why it is slowed down; nil where it isn't.
    var throttle: WorkReason? { state.withLock { $0.throttle } }

    /// For the history.
    var sample: DeviceSample {
        let reading = state.withLock { $0.reading }
        return DeviceSample(device: name, temperature: reading.temperature, power: reading.power, duty: pacer.duty)
    }

    var figures: DeviceFigures {
        let duty = pacer.duty
        let now = now
        return state.withLock { state in
            DeviceFigures(
                name: name, isUsable: state.health.mayWork && state.stuck.isEmpty, duty: duty, busy: state.busy.share(at: now), reading: state.reading,
                joules: state.meter.joules,
                joulesPerUnit: state.meter.joulesPerUnit, jobs: state.jobs, units: state.units, failures: state.health.failures)
        }
    }
}

/// How one computation tells its device that it lives.
struct RunSigns: Sendable {
    fileprivate let device: MinerDevice
    fileprivate let id: UInt64

    func sign() { device.sign(id) }

    /// What it stands still for: a pause of the whole miner, and the device's own rests. A computation that stands still by order doesn't hang.
    ///
    /// - Parameter isOver: whether nobody wants the computation any more.
    func brake(_ permit: WorkPermit, isOver: @escaping @Sendable () -> Bool) -> any RunBrake { DeviceBrake(permit: permit, signs: self, isOver: isOver) }

    private struct DeviceBrake: RunBrake {
        let permit: WorkPermit
        let signs: RunSigns
        let isOver: @Sendable () -> Bool

        var isOn: Bool { permit.isHolding || signs.device.pacer.isDue() }

        func wait() {
            signs.device.sign(signs.id, resting: 1)
            defer { signs.device.sign(signs.id, resting: -1) }
            signs.device.pacer.rest(isOver)
            permit.blockWhileHolding(isOver)
            // The pause is not work that a rest is owed for.
            signs.device.pacer.begin()
        }
    }
}
