import Dispatch

/// A thread of its own for an actor whose steps block on a disk or compute for long, so that Swift's shared pool stays free.
///
/// `DispatchSerialQueue`, which would do, does not exist on Linux.
package final class ServiceQueue: SerialExecutor {
    private let queue: DispatchQueue

    package init(_ label: String) { queue = DispatchQueue(label: label, qos: .userInitiated) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        queue.async { unsafe unowned.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
