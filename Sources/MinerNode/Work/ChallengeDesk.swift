import ChainClient
import Jobs
import Kernels
import Wire

/// Answers a coordinator's challenge: computes its product on the best device, says the root, sends the product.
///
/// The coordinator challenges a worker only while that holds no lease; the product takes its turn all the same.
struct ChallengeDesk: Sendable {
    let coordinator: CoordinatorClient
    let turns: DeviceTurns
    let permit: WorkPermit
    let warden: DeviceWarden
    let limits: LiveLimits
    let board: StatusBoard
    let events: EventSink

    /// Returns when the answer is given, or can't be: then the coordinator goes by what it has seen before.
    func answer(_ challenge: CapabilityChallenge) async {
        board.note(noWork: (.starting, "the coordinator's challenge is answered"))
        // The next call for work says what is wanting then, which may take its twenty seconds.
        defer { board.note(noWork: nil) }
        let begin = ContinuousClock.now
        do throws(Problem) {
            let c = try await product(challenge)
            let receipt = try await coordinator.commit(c.root, to: challenge)
            guard receipt.rate > 0 else { throw Problem(.timeout, "the answer came after \(receipt.elapsedMilliseconds) ms: too late to show anything") }
            try await coordinator.putBlob(c.root, TensorSource(c))
            let placement = try await coordinator.check(challenge).placement
            board.note(placement: placement)
            events.emit(
                .challengeAnswered,
                [
                    "elapsed_ms": .integer(receipt.elapsedMilliseconds), "gflops": .integer(receipt.rate / 1_000_000_000),
                    "tier": .string(placement.tier.rawValue), "claimed": .string(placement.claimed.rawValue),
                    "detail": .string(placement.detail ?? "the tier is earned"),
                ], weight: placement.reason == nil ? .normal : .warning)
        } catch {
            guard !Task.isCancelled else { return }
            events.emit(
                .challengeFailed, ["latency_ms": .real((ContinuousClock.now - begin).milliseconds)].merging(error.facts) { $1 }, weight: .warning)
            if let report = try? await coordinator.ownReport() { board.note(placement: report.placement) }
        }
    }

    /// Throws `timeout` where it would come too late; `memory_limit`, and the device's problems.
    private func product(_ challenge: CapabilityChallenge) async throws(Problem) -> Tensor {
        let spec = try challenge.spec()
        let kernel = try spec.kernel()
        let limit = limits.memoryCap
        guard kernel.memoryBytes <= limit else {
            throw Problem(.memoryLimit, "the challenge's matrices take \(kernel.memoryBytes) bytes, this miner offers \(limit)")
        }
        // By this machine's own clock: the coordinator's may be another.
        let patience = Duration.milliseconds(max(0, challenge.deadlineMilliseconds - challenge.issuedMilliseconds))
        let (control, permit) = (WorkControl(), permit)
        let turn = try await turns.take(kernel, control)
        defer { turns.leave(turn) }
        let device = turn.device
        let timer = Task {
            try await Task.sleep(for: patience)
            control.stop()
        }
        defer { timer.cancel() }
        do throws(Problem) {
            return try await device.run(
                "adit-challenge", isQuick: false, patience: warden.patience(operations: kernel.operations, speed: nil), control
            ) { (signs) throws(Problem) in
                var inputs: [Tensor] = []
                for input in spec.inputs {
                    guard case .random(let seed) = input.source else { throw Problem(.internalError, "a challenge's inputs are random") }
                    inputs.append(try RandomTensor(seed: seed, descriptor: input.descriptor).generate(limit: limit))
                    signs.sign()
                }
                let run = control.run(brake: signs.brake(permit) { control.isStopped }, sign: { signs.sign() })
                guard let c = try kernel.run(inputs, on: device.backend, control: run, limit: limit).first else {
                    throw Problem(.internalError, "a product without an output")
                }
                return c
            }
        } catch {
            guard control.isStopped, control.givenBack == nil, !Task.isCancelled else { throw error }
            throw Problem(.timeout, "the challenge's product was not done within \(patience)")
        }
    }
}

/// A tensor's bytes on their way out, read where they are.
private struct TensorSource: UploadSource {
    let tensor: Tensor

    init(_ tensor: Tensor) { self.tensor = tensor }

    var byteCount: Int { tensor.buffer.byteCount }

    func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(Problem) -> Int {
        let count = max(0, min(target.count, byteCount - offset))
        guard count > 0 else { return 0 }
        unsafe tensor.buffer.withUnsafeBytes { all in
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[offset..<offset + count]))
        }
        return count
    }
}
