import Synchronization

/// Collects what a run reports.
final class Shares: Sendable {
    private let all = Mutex<[Double]>([])

    func add(_ share: Double) { all.withLock { $0.append(share) } }

    var shares: [Double] { all.withLock { $0 } }
}
