import Dispatch
import Synchronization
import Wire

/// A thread of its own for work that blocks or computes, so that Swift's shared pool stays free.
///
/// It runs what it is given one at a time, in order, and can carry actors: an actor on a work queue may block.
final class WorkQueue: SerialExecutor {
    private let queue: DispatchQueue
    private let limit: Int
    private let pending = Atomic<Int>(0)

    /// - Parameter limit: how many calls of `run` may wait at one time.
    init(_ label: String, limit: Int = .max) {
        queue = DispatchQueue(label: label, qos: .userInitiated)
        self.limit = limit
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        queue.async { unsafe unowned.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    /// Runs `body` on the queue and waits for it without holding a thread of the pool.
    ///
    /// A cancelled task stops waiting at once, with `unavailable`: what `body` then gives is dropped.
    /// - Throws: what `body` throws; `rate_limited` where too many wait.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws(Problem) -> Value) async throws(Problem) -> Value {
        let (results, sink) = AsyncStream<Result<Value, Problem>>.makeStream(bufferingPolicy: .bufferingNewest(1))
        guard pending.add(1, ordering: .relaxed).newValue <= limit else {
            pending.subtract(1, ordering: .relaxed)
            throw Problem(.rateLimited, "too many requests wait for the same thing")
        }
        queue.async {
            defer { self.pending.subtract(1, ordering: .relaxed) }
            do throws(Problem) {
                sink.yield(.success(try body()))
            } catch {
                sink.yield(.failure(error))
            }
            sink.finish()
        }
        for await result in results { return try result.get() }
        throw Problem(.unavailable, "the service is stopping")
    }
}
