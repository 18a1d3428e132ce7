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
            var verdict = await verdict(on: check)
            for pause in Self.pauses {
                guard case .unavailable = verdict, !Task.isCancelled else { break }
                do { try await clock.sleep(milliseconds: pause) } catch { return }
                verdict = await self.verdict(on: check)
            }
            // Cut short: the commitment stands, and the next start checks it.
            if Task.isCancelled { return }
            guard await !board.conclude(id, verdict) else { continue }
            // The store refused: what is committed stays committed, and is checked again a little later.
            do { try await clock.sleep(milliseconds: 1000) } catch { return }
            await board.checkAgain(id)
        }
    }

    private func verdict(on check: PendingCheck) async -> CheckVerdict {
        let checker = checker
        do {
            return try await queue.run { () throws(Problem) in
                // The commitment is on the disk by now. The challenge exists only from here on, and serves once.
                let secret = SecureRandom.bytes(Challenge.byteCount)
                let start = ContinuousClock.now
                let report = try checker.check(check.spec, check.kernel, check.result.output, challenge: try Challenge(secret))
                let spent = ContinuousClock.now - start
                guard let drawn = Digest(bytes: secret) else { throw Problem(.internalError, "a challenge has 32 bytes") }
                return CheckVerdict.finished(report, challenge: drawn, microseconds: spent.microseconds)
            }
        } catch {
            if !Task.isCancelled { logger.error("check_unavailable", metadata: ["lease": "\(check.lease.id)", "error": "\(error)"]) }
            return .unavailable(error)
        }
    }
}
