import ChainClient
import Jobs
import Wire

/// Keeps a lease alive, and learns when it is over.
struct Heartbeats: Sendable {
    private let coordinator: CoordinatorClient
    private let lease: String
    private let fence: Int64
    private let period: Duration
    /// How long the coordinator waits for a sign of life; what one answer is worth.
    private let length: Duration
    private let progress: @Sendable () -> Double

    /// For a lease that was just given.
    init(_ lease: Lease, _ control: WorkControl, to coordinator: CoordinatorClient) {
        (self.coordinator, self.lease, fence) = (coordinator, lease.id, lease.fence)
        period = .milliseconds(lease.heartbeatMilliseconds)
        length = .milliseconds(max(0, lease.deadlineMilliseconds &- lease.nowMilliseconds))
        progress = { control.progress }
    }

    /// For a result of an earlier run that is still to be delivered.
    init(_ entry: OutboxEntry, to coordinator: CoordinatorClient) {
        (self.coordinator, lease, fence) = (coordinator, entry.leaseID, entry.result.fence)
        period = .milliseconds(entry.heartbeatMilliseconds)
        // No computation is at stake: a coordinator that is away ends nothing.
        length = .seconds(86_400)
        progress = { 1 }
    }

    /// Sends a heartbeat whenever one is due; returns why the lease is over, or nil if the task was canceled.
    ///
    /// A coordinator that can't be reached ends nothing until the lease's deadline has passed by this machine's clock.
    /// - Parameter now: sends the first one at once.
    func run(now isDue: Bool = false) async -> Problem? {
        let clock = ContinuousClock()
        var deadline = clock.now + length
        var isDue = isDue
        while true {
            if !isDue { do { try await Task.sleep(for: period) } catch { return nil } }
            isDue = false
            do throws(Problem) {
                let answer = try await coordinator.heartbeat(lease, fence: fence, progress: progress())
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
