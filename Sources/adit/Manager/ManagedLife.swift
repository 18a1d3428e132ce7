import Logging
import ServiceLifecycle
import Wire

/// Tells the service manager when the service is ready, that it lives, and that it stops.
///
/// A sign of life is only sent after a proof: an answer from the service's own listener, which passes through its event loop, its routes, its
/// state and Swift's thread pool. What hangs in one of them stops answering, and the manager restarts it.
struct ManagedLife: Service {
    let manager: ServiceManager
    let probe: @Sendable () async -> ServiceProbe.Outcome
    let logger: Logger

    /// Between two proofs where the manager has no watchdog: for the status line alone.
    private static let relaxed = Duration.seconds(30)
    /// Until the first answer.
    private static let early = Duration.milliseconds(200)

    func run() async {
        await cancelWhenGracefulShutdown { await watch() }
        manager.tell(["STOPPING=1", "STATUS=stopping"])
    }

    private func watch() async {
        // Three proofs within the manager's patience: one may be late, and one lost.
        let every = manager.watchdog.map { $0 / 3 } ?? Self.relaxed
        var (isReady, wasAlive) = (false, true)
        while !Task.isCancelled {
            switch await probe() {
            case .alive(let status):
                manager.tell((isReady ? [] : ["READY=1"]) + ["WATCHDOG=1", "STATUS=" + status])
                (isReady, wasAlive) = (true, true)
            case .silent(let why):
                if isReady, wasAlive { logger.error("watchdog_missed", metadata: ["detail": "\(why)"]) }
                wasAlive = false
            case .notYet: break
            }
            try? await Task.sleep(for: isReady ? every : min(every, Self.early))
        }
    }
}
