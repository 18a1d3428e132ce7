import ChainClient
import Jobs
import Wire

/// Keeps a lease alive, and learns when it is over.
struct Heartbeats: Sendable {
    let coordinator: CoordinatorClient
    let lease: Lease
    let control: WorkControl

    /// Sends a heartbeat whenever one is due; returns why the lease is over, or nil if the task was canceled.
    ///
    /// A coordinator that can't be reached ends nothing until the lease's deadline has passed by this machine's clock.
    func run() async -> Problem? {
        let clock = ContinuousClock()
        let period = Duration.milliseconds(lease.heartbeatMilliseconds)
        var deadline = clock.now + .milliseconds(max(0, lease.deadlineMilliseconds &- lease.nowMilliseconds))
        // What one answer is worth: the length that the coordinator gave the lease at first.
        let length = deadline - clock.now
        while true {
            do { try await Task.sleep(for: period) } catch { return nil }
            do throws(Problem) {
                let answer = try await coordinator.heartbeat(lease.id, fence: lease.fence, progress: control.progress)
                if answer.canceled { return Problem(.canceled, "the job was canceled") }
                deadline = clock.now + length
            } catch {
                if Task.isCancelled { return nil }
                switch error.code {
                case .leaseExpired, .unknownLease, .staleFence, .leaseTaken, .canceled: return error
                default: if clock.now > deadline { return Problem(.leaseExpired, "no heartbeat reached the coordinator in time: \(error.code.rawValue)") }
                }
            }
        }
    }
}
