import Jobs
import Kernels
import Logging
import Signing
import Wire

/// One committed output that waits for its check.
struct PendingCheck: Sendable {
    let spec: JobSpec
    let kernel: any Kernel
    let lease: LeaseGrant
    let result: LeaseResult
    /// Outputs whose bytes are at hand.
    var small: [Digest: [UInt8]] = [:]
    /// Why a first try could not be made.
    var failure: Problem?
}

/// What a check came to.
enum CheckVerdict: Sendable {
    case finished(VerificationReport, challenge: Digest, microseconds: Int64)
    /// The coordinator could not check; not the worker's fault.
    case unavailable(Problem)
}

/// Checks committed outputs one at a time, on a thread of their own.
struct CheckLoop: Sendable {
    let checker: OutputChecker
    let board: JobBoard
    let clock: any ServiceClock
    let logger: Logger
    private let queue = WorkQueue("adit.coordinator.check")
    /// Pauses before a check that could not be made is tried again.
    private static let pauses: [Int64] = [1000, 2000, 4000]

    init(checker: OutputChecker, board: JobBoard, clock: any ServiceClock, logger: Logger) {
        self.checker = checker
        self.board = board
        self.clock = clock
        self.logger = logger
    }

    /// Runs until the stream ends or the task is cancelled.
    func run(_ checks: AsyncStream<(id: String, check: PendingCheck)>) async {
        for await (id, check) in checks {
            var verdict = if let failure = check.failure { CheckVerdict.unavailable(failure) } else { await verdict(on: check) }
            for pause in Self.pauses {
                guard case .unavailable = verdict, !Task.isCancelled else { break }
                do { try await clock.sleep(milliseconds: pause) } catch { return }
                verdict = await self.verdict(on: check)
            }
            // Cut short: the commitment stands, and the next start checks it.
            if Task.isCancelled { return }
            await conclude([(id, verdict)])
        }
    }

    /// The same for small ones: those that have come meanwhile are checked together, and their conclusions written together.
    func runSmall(_ bell: AsyncStream<Void>) async {
        for await _ in bell {
            let batch = await board.takeSmallChecks(limit: Self.together)
            let verdicts = await verdicts(on: batch.map(\.check))
            if Task.isCancelled { return }
            var made: [(lease: String, verdict: CheckVerdict)] = []
            for (one, verdict) in zip(batch, verdicts) {
                // The other line has the patience for what can't be checked now.
                if case .unavailable(let failure) = verdict { await board.checkAgain(one.id, after: failure) } else { made.append((one.id, verdict)) }
            }
            await conclude(made)
        }
    }

    /// Few enough that the first one hardly waits for the last one.
    private static let together = 32

    private func conclude(_ verdicts: [(lease: String, verdict: CheckVerdict)]) async {
        let failed = await board.conclude(verdicts)
        guard !failed.isEmpty else { return }
        // The store refused: what is committed stays committed, and is checked again a little later.
        do { try await clock.sleep(milliseconds: 1000) } catch { return }
        for lease in failed { await board.checkAgain(lease) }
    }

    private func verdict(on check: PendingCheck) async -> CheckVerdict {
        await verdicts(on: [check]).first ?? .unavailable(Problem(.internalError, "a check without a verdict"))
    }

    /// A verdict for each, made one after the other in one turn of the queue.
    private func verdicts(on checks: [PendingCheck]) async -> [CheckVerdict] {
        let checker = checker
        let verdicts: [CheckVerdict]
        do {
            verdicts = try await queue.run { checks.map { Self.verdict(on: $0, by: checker) } }
        } catch {
            verdicts = checks.map { _ in .unavailable(error) }
        }
        for (check, verdict) in zip(checks, verdicts) where !Task.isCancelled {
            guard case .unavailable(let problem) = verdict else { continue }
            logger.error("check_unavailable", metadata: ["lease": "\(check.lease.id)", "error": "\(problem)"])
        }
        return verdicts
    }

    private static func verdict(on check: PendingCheck, by checker: OutputChecker) -> CheckVerdict {
        do throws(Problem) {
            // The commitment is on the disk by now. The challenge exists only from here on, and serves once.
            let secret = SecureRandom.bytes(Challenge.byteCount)
            let start = ContinuousClock.now
            let report = try checker.check(check, challenge: try Challenge(secret))
            let spent = ContinuousClock.now - start
            guard let drawn = Digest(bytes: secret) else { throw Problem(.internalError, "a challenge has 32 bytes") }
            return .finished(report, challenge: drawn, microseconds: spent.microseconds)
        } catch {
            return .unavailable(error)
        }
    }
}
