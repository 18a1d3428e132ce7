import ChainClient
import Jobs
import Kernels
import Ledger
import Profiler
import Signing
import Synchronization
import Wire

/// Does one lease's work: inputs, computation, commitment, receipt, outbox, delivery; heartbeats all the while.
struct LeaseRunner: Sendable {
    let configuration: MinerConfiguration
    let coordinator: CoordinatorClient
    let escrows: EscrowDesk
    let turns: DeviceTurns
    let inputs: InputLoader
    let outputs: OutputFolder
    let store: OutboxStore
    let courier: Courier
    let events: EventSink
    let metrics: MinerMetrics
    let permit: WorkPermit
    let limits: LiveLimits
    let warden: DeviceWarden
    /// Grows with leases that fail one after the other.
    let setback: Setback
    private let clock = MinerClock()

    init(
        configuration: MinerConfiguration, coordinator: CoordinatorClient, escrows: EscrowDesk, turns: DeviceTurns, inputs: InputLoader,
        outputs: OutputFolder, store: OutboxStore, courier: Courier, events: EventSink, metrics: MinerMetrics, permit: WorkPermit,
        limits: LiveLimits, warden: DeviceWarden, setback: Setback
    ) {
        (self.configuration, self.coordinator, self.escrows, self.turns) = (configuration, coordinator, escrows, turns)
        (self.inputs, self.outputs, self.store, self.courier) = (inputs, outputs, store, courier)
        (self.events, self.metrics) = (events, metrics)
        (self.permit, self.limits, self.warden, self.setback) = (permit, limits, warden, setback)
    }

    /// Returns when the result is delivered (or refused), the lease given back, or the task canceled.
    func run(_ lease: Lease, control: WorkControl) async {
        events.emit(
            .taskAssigned,
            ["job_id": .string(lease.jobID.text), "lease": .string(lease.id), "kernel": .string(lease.spec.type), "price": .integer(lease.quote.price)])
        let end: Problem? = await withTaskGroup(of: Problem?.self) { group in
            group.addTask {
                guard let over = await Heartbeats(lease, control, to: coordinator).run() else { return nil }
                // A committed result is delivered all the same: the coordinator's answer to it is what counts.
                return control.stop() ? over : nil
            }
            group.addTask { await Result.of { () async throws(Problem) in try await work(lease, control) }.problem }
            group.addTask {
                // A pause that lasts: somebody else gets the job. What is committed is delivered all the same.
                await permit.untilHeld(for: configuration.holdLeases)
                guard !Task.isCancelled, let halt = permit.halt else { return nil }
                let problem = Problem(.canceled, "paused: \(halt.reason.meaning)")
                return control.giveBack(.shuttingDown, problem) ? problem : nil
            }
            // Heartbeats that end without a reason leave the work to end by itself.
            var first: Problem?
            for await problem in group {
                first = first ?? problem
                if problem != nil || control.isFinished { group.cancelAll() }
            }
            return first
        }
        if let end { await giveUp(lease, end, control) }
    }

    // MARK: the work

    private func work(_ lease: Lease, _ control: WorkControl) async throws(Problem) {
        defer { control.finish() }
        control.timeline.note(.leased, clock.milliseconds)
        let kernel = try lease.spec.kernel()
        if let unwanted = limits.now.obstacle(lease) {
            let problem = Problem(.unknownKernel, "the operator's limits: \(unwanted.rawValue)")
            control.giveBack(.unsupportedKernel, problem)
            throw problem
        }
        _ = try turns.devices.able(kernel)
        guard kernel.memoryBytes <= limits.memoryCap else {
            throw Problem(.memoryLimit, "the job's tensors take \(kernel.memoryBytes) bytes, this miner offers \(limits.memoryCap)")
        }
        try await checkTerms(lease)
        let roots = Set(lease.spec.inputs.compactMap(\.root))
        inputs.cache.pin(roots)
        defer { inputs.cache.unpin(roots) }
        let begin = ContinuousClock.now
        try await inputs.prefetch(lease.spec, pauses: configuration.pauses)
        control.stage = .waiting
        let fetched = ContinuousClock.now - begin

        let produced = try await computed(lease, kernel, fetched, control)
        let entry = produced.entry
        try await commit(entry, control)
        report(entry, kernel, produced)
        control.stage = .delivering
        control.passOn()
        let delivered = await courier.deliver(entry)
        for step in Timeline.Step.allCases {
            guard let begin = delivered.timeline[.leased], let end = delivered.timeline[step], step != .leased else { continue }
            metrics.step(step, milliseconds: end - begin)
        }
        switch delivered.phase {
        case .computed: break
        case .rejected(let problem):
            setback.failed()
            // Whether it was the device is found out at once.
            if problem.code == .verificationFailed { await warden.ask(produced.device) }
        case .attested, .claiming, .paid: setback.worked()
        }
    }

    /// What a computation came to.
    private struct Produced: Sendable {
        let entry: OutboxEntry
        /// The kernel alone.
        let took: Duration
        /// When the kernel was done.
        let end: ContinuousClock.Instant
        let device: MinerDevice
    }

    /// A turn at a device that may work now.
    private func turn(_ kernel: any Kernel, _ control: WorkControl) async throws(Problem) -> DeviceTurn {
        while true {
            await permit.untilMayCompute()
            let turn = try await turns.take(kernel, control)
            await turn.device.pacer.restBetweenJobs()
            // A rest, or a pause that began meanwhile, may have been long: another device may be the best by now.
            if !Task.isCancelled, turn.device.mayWork, !permit.isHolding { return turn }
            turns.leave(turn)
            if Task.isCancelled { throw DeviceTurns.canceled }
        }
    }

    /// Computes in its turn, and lets the next one in whatever happens.
    private func computed(_ lease: Lease, _ kernel: any Kernel, _ fetched: Duration, _ control: WorkControl) async throws(Problem) -> Produced {
        let turn = try await turn(kernel, control)
        defer { turns.leave(turn) }
        let (device, speed) = (turn.device, turn.speed)
        (control.stage, control.backend) = (.computing, device.name)
        if let speed, Double(kernel.operations) < 5 * speed { control.passOn() }
        let isQuick = kernel.operations < Self.quickOperations
        let patience = warden.patience(operations: kernel.operations, speed: speed)
        let produced = try await device.run("adit-compute", isQuick: isQuick, patience: patience, control) { (signs) throws(Problem) in
            do throws(Problem) {
                return try self.produce(lease, kernel, device, signs, fetched, control)
            } catch {
                if error.code == .backendUnavailable { warden.failed(device, DeviceFailure(.deviceError, error)) }
                throw error
            }
        }
        turns.note(kernel, turn, took: produced.took)
        return produced
    }

    /// Well under a tenth of a second on anything.
    private static let quickOperations: Int64 = 20_000_000

    /// From here on the work is in the outbox, and a crash can't lose it.
    private func commit(_ entry: OutboxEntry, _ control: WorkControl) async throws(Problem) {
        guard control.commit() else {
            await outputs.discard(entry)
            throw Problem(.canceled, "stopped before the result was committed")
        }
        do throws(Problem) {
            try await store.add(entry)
        } catch {
            control.uncommit()
            await outputs.discard(entry)
            throw error
        }
    }

    /// A lease of another chain, for another payout, or without its escrow would be work for nothing.
    ///
    /// Waits as long as the lease lives for a node that can't be asked, and about half a minute for one that doesn't know the escrow yet.
    private func checkTerms(_ lease: Lease) async throws(Problem) {
        guard lease.chain == configuration.chain else { throw Problem(.wrongChain, "the lease is for chain \(lease.chain.text)") }
        guard lease.payout == configuration.payout else { throw Problem(.wrongMiner, "the lease pays to another address than the one registered") }
        var pauses = configuration.pauses
        var absences = 0
        while !Task.isCancelled {
            do throws(Problem) {
                if let escrow = try await escrows.escrow(lease.jobID) {
                    guard escrow.payment == lease.payment, escrow.price == lease.quote.price, escrow.computeUnits == lease.quote.computeUnits,
                        escrow.coordinator == lease.quote.coordinator, escrow.status == .open
                    else { throw Problem(.escrowMismatch, "the chain's escrow is not what the lease says") }
                    return
                }
                absences += 1
                if absences == 8 { throw Problem(.unknownEscrow, "the chain has no escrow for this job") }
            } catch {
                guard error.isTransient || error.code == .badAnswer else { throw error }
            }
            try? await Task.sleep(for: pauses.next())
        }
        throw Problem(.canceled, "stopped before the lease's terms were checked")
    }

    /// Computes, hashes, writes the output and signs. Runs on its own thread, and blocks it.
    private func produce(
        _ lease: Lease, _ kernel: any Kernel, _ device: MinerDevice, _ signs: RunSigns, _ fetched: Duration, _ control: WorkControl
    ) throws(Problem) -> Produced {
        let begin = ContinuousClock.now
        let tensors = try inputs.load(lease.spec, limit: limits.memoryCap)
        let loaded = ContinuousClock.now
        signs.sign()
        control.timeline.note(.inputsReady, clock.milliseconds)
        let run = control.run(brake: signs.brake(permit) { control.isStopped }, sign: { signs.sign() })
        let results = try kernel.run(tensors, on: device.backend, control: run, limit: limits.memoryCap)
        let computed = ContinuousClock.now
        // Without pauses, and without what it took to find the fastest library.
        let took = max(.zero, computed - loaded - control.apart.total)
        signs.sign()
        control.timeline.note(.computed, clock.milliseconds)

        let files = try outputs.keep(results, lease: lease.id)
        let metadata = OutputMetadata(
            specHash: lease.spec.hash, kernel: lease.spec.type, arithmetic: kernel.arithmetic,
            outputs: zip(results, files).map { OutputTensor($0.descriptor, root: $1.root) })
        let terms: ReceiptTerms
        do throws(Problem) {
            terms = try lease.terms(miner: configuration.key.address, outputHash: metadata.hash)
        } catch {
            outputs.drop(files)
            throw error
        }
        let timing = WorkTiming(
            computeMicroseconds: took.microseconds, inputMicroseconds: (fetched + (loaded - begin)).microseconds,
            outputMicroseconds: (ContinuousClock.now - computed).microseconds)
        let receipt = SignedReceipt(signing: terms, with: configuration.key, on: configuration.chain)
        let entry = OutboxEntry(
            lease: lease,
            result: LeaseResult(
                fence: lease.fence, output: metadata, receipt: receipt, timing: timing, device: String((control.device ?? device.backend.device).prefix(200))),
            outputs: files, timeline: control.timeline)
        return Produced(entry: entry, took: took, end: computed, device: device)
    }

    private func report(_ entry: OutboxEntry, _ kernel: any Kernel, _ produced: Produced) {
        let (took, commit) = (produced.took, ContinuousClock.now - produced.end)
        produced.device.did(units: entry.result.receipt.terms.computeUnits)
        let gigaflops = Double(kernel.operations) / max(took.seconds, 1e-9) / 1e9
        metrics.computed(took)
        events.emit(
            .taskCompleted,
            [
                "job_id": .string(entry.jobID.text), "receipt_id": .string(entry.id.text), "device": .string(entry.result.device),
                "backend": .string(produced.device.name),
                "latency_ms": .real(took.milliseconds), "commit_ms": .real(commit.milliseconds), "gflops": .real((gigaflops * 100).rounded() / 100),
                "operations": .integer(kernel.operations), "output_hash": .string(entry.result.output.hash.text),
            ])
    }

    // MARK: giving up

    /// Tells the coordinator why, unless it knows or the lease isn't there any more.
    private func giveUp(_ lease: Lease, _ problem: Problem, _ control: WorkControl) async {
        guard control.stop() else { return }
        let back = control.givenBack
        let problem = back?.problem ?? problem
        let reason = Task.isCancelled ? Reason.shuttingDown : back?.reason ?? Self.reason(problem)
        metrics.failed()
        events.emit(
            .taskFailed, ["job_id": .string(lease.jobID.text), "lease": .string(lease.id), "reason": .string(reason.rawValue)].merging(problem.facts) { $1 },
            weight: .warning)
        // What is wrong with a device holds up that device; what the limits leave out, nobody. Anything else may be wrong with every job.
        if problem.code != .canceled, back?.reason != .unsupportedKernel, reason != .deviceFailed { setback.failed() }
        switch problem.code {
        case .leaseExpired, .unknownLease, .staleFence, .leaseTaken: return
        case .canceled where back == nil && !Task.isCancelled: return
        default: break
        }
        let failure = LeaseFailure(fence: lease.fence, reason: reason, detail: String(problem.description.prefix(200)))
        // A task of its own: the message has to go out even when this one is canceled.
        await Task { try? await coordinator.fail(lease.id, failure, patience: configuration.giveBackWithin) }.value
    }

    static func reason(_ problem: Problem) -> Reason {
        switch problem.code {
        case .memoryLimit: .outOfMemory
        case .blobMismatch: .inputMismatch
        case .unknownBlob, .blobIncomplete, .transportFailed, .timeout, .unavailable: .inputUnavailable
        case .unknownKernel, .unsupportedDtype, .shapeMismatch, .badParams, .tooLong: .unsupportedKernel
        case .backendUnavailable: .deviceFailed
        case .leaseExpired: .notEnoughTime
        case .singularSystem, .notConverged, .trainingDiverged, .sumsOverflow: .uncomputable
        default: .workerFault
        }
    }
}
